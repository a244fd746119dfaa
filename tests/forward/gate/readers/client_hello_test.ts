import { readClientHello } from "../../../../forward/gate/readers/client_hello.ts";
import { assertEquals } from "../../../assert.ts";
import { clientHello, type HelloParts, message, records, serverName } from "../../../../scripts/lab/hello.ts";

const read = (bytes: Uint8Array, ech = false) => readClientHello(bytes, 0, bytes.length, ech);

/** The name that the ClientHello shows, or the answer in another word. */
function answer(bytes: Uint8Array, ech = false): string {
  const reading = read(bytes, ech);
  return reading.is === "shown" ? reading.shown.name : reading.is === "bad" ? reading.fault : reading.is;
}

const hello = (parts: HelloParts = {}) => records(clientHello(parts));

Deno.test("ClientHello: the name, ALPN and the absence of ECH are read", () => {
  const reading = read(hello());
  assertEquals(reading, { is: "shown", shown: { name: "example.com", alpn: ["h2", "http/1.1"], ech: false } });
});

Deno.test("ClientHello: it may lie anywhere in its buffer, with other bytes before and behind", () => {
  const bytes = hello();
  const padded = new Uint8Array(bytes.length + 20).fill(0xff);
  padded.set(bytes, 7);
  const reading = readClientHello(padded, 7, 7 + bytes.length, false);
  assertEquals(reading.is === "shown" && reading.shown.name, "example.com");
});

Deno.test("ClientHello: each beginning wants more, and never more than there is to come", () => {
  for (const size of [1, 2, 5, 100, 10_000]) {
    const bytes = records(clientHello(), size);
    for (let length = 0; length < bytes.length; length++) {
      const reading = read(bytes.subarray(0, length));
      assertEquals(reading.is, "more", `${length} bytes of records of ${size}`);
      if (reading.is !== "more") continue;
      const { wanted } = reading;
      assertEquals(wanted > length && wanted <= bytes.length, true, `wanted ${wanted} of ${bytes.length} at ${length}`);
    }
    assertEquals(answer(bytes), "example.com", `records of ${size}`);
  }
});

Deno.test("ClientHello: one over 16 KiB, in several records", () => {
  const shares = new Uint8Array(20_000).fill(5);
  const long = clientHello({ extensions: [[51, shares]] });
  assertEquals(answer(records(long, 16_384)), "example.com");
  assertEquals(answer(records(long, 700)), "example.com");
});

Deno.test("ClientHello: a record may not be longer than 16 KiB, nor empty", () => {
  const long = clientHello({ extensions: [[51, new Uint8Array(20_000)]] });
  assertEquals(answer(records(long)), "malformed");
  const bytes = records(clientHello(), 50);
  assertEquals(answer(Uint8Array.from([...bytes.subarray(0, 55), 22, 3, 1, 0, 0, ...bytes.subarray(55)])), "malformed");
});

const NAMES: readonly (readonly [what: string, name: string | Uint8Array, answer: string])[] = [
  ["upper case", "API.Example.COM", "api.example.com"],
  ["an underscore", "_dmarc.example.com", "_dmarc.example.com"],
  ["a dot at the end", "example.com.", "malformed"],
  ["a dot at the beginning", ".example.com", "malformed"],
  ["an empty label", "example..com", "malformed"],
  ["a NUL", "example.com\0.evil.test", "malformed"],
  ["a space", "example.com ", "malformed"],
  ["a U-label", "bücher.example", "malformed"],
  ["an A-label", "xn--bcher-kva.example", "xn--bcher-kva.example"],
  ["an IPv4 address", "192.0.2.1", "malformed"],
  ["an IPv6 address", "[2001:db8::1]", "malformed"],
  ["a line end", "example.com\r\n", "malformed"],
  ["nothing", "", "malformed"],
  ["bytes that are no UTF-8", Uint8Array.of(0xff, 0xfe), "malformed"],
  ["a wildcard", "*.example.com", "malformed"],
  ["254 letters", `${"a.".repeat(126)}aa`, "malformed"],
];
for (const [what, name, expected] of NAMES) {
  Deno.test(`ClientHello: a name with ${what}: ${expected}`, () =>
    assertEquals(answer(hello({ names: [name] })), expected));
}

Deno.test("ClientHello: without server_name, or with two names, it is refused", () => {
  assertEquals(answer(hello({ names: null })), "no_name", "no extension");
  assertEquals(answer(hello({ names: ["example.com", "evil.test"] })), "malformed", "two names");
  assertEquals(answer(hello({ names: [] })), "malformed", "an empty list");
});

Deno.test("ClientHello: an extension twice is refused, whatever it is", () => {
  const second = Uint8Array.from(serverName(["evil.test"]));
  assertEquals(answer(hello({ extensions: [[0, second]] })), "malformed", "server_name");
  assertEquals(answer(hello({ extensions: [[43, Uint8Array.of(2, 3, 4)]] })), "malformed", "supported_versions");
});

Deno.test("ClientHello: a name of another type than host_name is refused", () => {
  const bytes = hello({ names: null, extensions: [[0, Uint8Array.of(0, 4, 1, 0, 1, 0x61)]] });
  assertEquals(answer(bytes), "malformed");
});

Deno.test("ClientHello: encrypted_client_hello hides the name, unless it is allowed", () => {
  const bytes = hello({ extensions: [[0xfe0d, new Uint8Array(200)]] });
  assertEquals(answer(bytes), "no_name");
  const reading = read(bytes, true);
  assertEquals(reading.is === "shown" && reading.shown.ech, true);
});

Deno.test("ClientHello: GREASE extensions, versions and protocols are nothing special", () => {
  const bytes = hello({
    alpn: ["\x0a\x0a", "h2"],
    extensions: [[0x0a0a, new Uint8Array(0)], [0xfafa, new Uint8Array(1)]],
  });
  const reading = read(bytes);
  assertEquals(reading.is === "shown" && reading.shown.alpn, ["h2"]);
});

Deno.test("ClientHello: lengths must add up", () => {
  const good = clientHello();
  for (let at = 1; at < good.length; at++) {
    if (at >= 6 && at < 38 || at >= 39 && at < 71) continue; // random and session ID have any contents
    const changed = good.slice();
    changed[at] ^= 0x01;
    const reading = read(records(changed));
    if (reading.is !== "shown") continue;
    assertEquals(reading.shown.name.length, "example.com".length, `a changed byte at ${at}`);
  }
  const body = [...good.subarray(4)];
  assertEquals(answer(records(message([...body, 0]))), "malformed", "a byte behind the extensions");
  assertEquals(answer(records(message(body.slice(0, -1)))), "malformed", "a byte less");
  assertEquals(answer(records(message(body.slice(0, 40)))), "malformed", "the end within the session ID");
});

Deno.test("ClientHello: another message in its record, or another record before its end", () => {
  const good = clientHello();
  const both = Uint8Array.from([...good, ...good]);
  assertEquals(answer(records(both)), "malformed", "two messages in one record");
  const split = records(good, 60);
  const alert = [21, 3, 3, 0, 2, 1, 0];
  assertEquals(answer(Uint8Array.from([...split.subarray(0, 65), ...alert, ...split.subarray(65)])), "malformed");
});

Deno.test("ClientHello: a record of another type before it is refused, because servers skip some", () => {
  const alert = [21, 3, 1, 0, 2, 1, 90]; // a warning: user_canceled
  assertEquals(answer(Uint8Array.from([...alert, ...hello()])), "malformed", "an alert");
  assertEquals(answer(Uint8Array.from([20, 3, 3, 0, 1, 1, ...hello()])), "malformed", "change_cipher_spec");
  assertEquals(answer(Uint8Array.from([23, 3, 3, 0, 0, ...hello()])), "malformed", "empty application data");
  assertEquals(answer(Uint8Array.of(21)), "more", "its first byte");
  assertEquals(answer(Uint8Array.of(21, 1)), "none", "no version of TLS");
});

Deno.test("ClientHello: a record whose length lies about what follows is refused", () => {
  const good = hello();
  const shorter = good.slice(), longer = good.slice();
  shorter[4]--;
  longer[4]++;
  assertEquals(
    answer(Uint8Array.from([...shorter, 22, 3, 1, 0])),
    "malformed",
    "its last byte would begin another record",
  );
  assertEquals(answer(Uint8Array.from([...longer, 22])), "malformed", "another message would begin in the record");
  const empty = Uint8Array.from([22, 3, 1, 0, 0, ...good]);
  assertEquals(answer(empty), "malformed", "an empty record before it");
});

Deno.test("ClientHello: early data behind it is nobody's affair", () => {
  assertEquals(answer(Uint8Array.from([...hello(), 20, 3, 3, 0, 1, 1, 23, 3, 3, 0, 2, 5])), "example.com");
});

Deno.test("ClientHello: what begins otherwise is another protocol", () => {
  for (const start of ["GET / HTTP/1.1\r\n", "SSH-2.0-x\r\n", "\x80\x2e\x01\x03\x01"]) {
    assertEquals(answer(Uint8Array.from(start, (char) => char.charCodeAt(0))), "none", start);
  }
  assertEquals(answer(Uint8Array.of(22, 2, 0, 0, 5)), "none", "a version that there never was");
  assertEquals(answer(Uint8Array.of(22, 3, 1, 0, 50, 2, 0, 0, 46)), "malformed", "a ServerHello");
});
