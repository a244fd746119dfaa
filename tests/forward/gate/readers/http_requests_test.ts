import { HttpRequests } from "../../../../forward/gate/readers/http_requests.ts";
import { assert, assertEquals } from "../../../assert.ts";

const bytesOf = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

/** Lets all of a client's text pass that may; accepts each head. Returns the hosts, and the text that is left. */
function follow(text: string, requests = new HttpRequests()) {
  const hosts: string[] = [];
  for (let rest = text;;) {
    const bytes = bytesOf(rest), look = requests.look(bytes, 0, bytes.length);
    if (look.is === "pass") rest = rest.slice(Math.min(look.length, rest.length));
    else if (look.is === "head" && look.reading.is === "shown") {
      hosts.push(look.reading.shown.name);
      if (!requests.accept(look.reading.shown)) return { hosts, is: "not accepted", rest };
      rest = rest.slice(look.reading.shown.length);
    } else return { hosts, is: look.is, rest };
    if (look.is === "pass" && look.length === Infinity) return { hosts, is: "opaque", rest };
  }
}

const get = (host: string, fields = "") => `GET / HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`;

Deno.test("HTTP requests: each head is shown, however many there are", () => {
  const { hosts, is } = follow(get("a.test") + get("b.test") + get("c.test"));
  assertEquals(hosts, ["a.test", "b.test", "c.test"]);
  assertEquals(is, "more");
});

Deno.test("HTTP requests: a body is passed by its length, whatever is in it", () => {
  const inner = get("inner.test");
  const { hosts } = follow(get("a.test", `Content-Length: ${inner.length}\r\n`) + inner + get("b.test"));
  assertEquals(hosts, ["a.test", "b.test"]);
});

Deno.test("HTTP requests: a body in chunks ends with its trailer", () => {
  const chunked = get("a.test", "Transfer-Encoding: chunked\r\n");
  const inner = get("inner.test");
  const body = `${inner.length.toString(16)};x="y"\r\n${inner}\r\n000A\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n`;
  const { hosts, is } = follow(chunked + body + get("b.test"));
  assertEquals(hosts, ["a.test", "b.test"]);
  assertEquals(is, "more");
  for (let length = 0; length < body.length; length++) {
    const { hosts, is } = follow(chunked + body.slice(0, length));
    assertEquals(`${hosts} ${is}`, "a.test more", `${length} bytes of the body`);
  }
});

const BROKEN_CHUNKS = [
  "5\nhello\r\n",
  "5\r\nhelloX",
  "5\r\nhello\n",
  "5 \r\nhello\r\n",
  " 5\r\nhello\r\n",
  "0x5\r\nhello\r\n",
  "-1\r\n",
  "\r\n",
  "5;\nhello\r\n",
  "5;a\rb\r\nhello\r\n",
  "ffffffffffffffff\r\n",
  "0\r\nHost b.test\r\n\r\n",
  "0\r\n X: 1\r\n\r\n",
  "0\r\nX: 1\n\r\n",
  `5;${"x".repeat(2_000)}\r\n`,
];
for (const body of BROKEN_CHUNKS) {
  Deno.test(`HTTP requests: broken chunks: ${JSON.stringify(body).slice(0, 40)}`, () => {
    const { is } = follow(get("a.test", "Transfer-Encoding: chunked\r\n") + body);
    assertEquals(is, "malformed");
  });
}

Deno.test("HTTP requests: behind a WebSocket's request nothing passes before the server has switched", () => {
  const requests = new HttpRequests();
  const ask = get("a.test", "Connection: Upgrade\r\nUpgrade: websocket\r\n");
  assertEquals(follow(ask + get("evil.test"), requests).is, "wait");
  requests.answered(bytesOf("HTTP/1.1 101"), 0, 12);
  assertEquals(follow("frames", requests).is, "wait", "the answer is not complete");
  requests.answered(bytesOf(" Switching Protocols\r\n"), 0, 22);
  assertEquals(follow("frames", requests).is, "opaque");
});

Deno.test("HTTP requests: a server that does not switch goes on in HTTP, and so does the judge", () => {
  const requests = new HttpRequests();
  follow(get("a.test", "Connection: Upgrade\r\nUpgrade: websocket\r\n"), requests);
  requests.answered(bytesOf("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101 "), 0, 33);
  assert(!requests.awaitsAnswer, "the answer is known");
  assertEquals(follow(get("evil.test"), requests).hosts, ["evil.test"]);
});

Deno.test("HTTP requests: only the first may ask for a WebSocket", () => {
  const { is } = follow(get("a.test") + get("a.test", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
  assertEquals(is, "not accepted");
});
