import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../../assert.ts";
import {
  formatHost,
  type ForwardEnd,
  type ForwardSide,
  type ForwardSpec,
  parseForward,
} from "../../../forward/syntax/forward_spec.ts";
import { InvalidValue } from "../../../forward/syntax/invalid_value.ts";
import { formatEndpoint } from "../../../stack/base/address.ts";

function end({ host, port }: ForwardEnd): string {
  const server = host.kind === "srv" ? ` asks ${formatEndpoint(host.server)} for ${host.name}` : "";
  return `${formatHost(host)} ${port}${server}`;
}

function show(spec: ForwardSpec): string {
  const flags = `${spec.oneAnswer ? " one answer" : ""}${spec.proxyProtocol ? " proxy protocol" : ""}`;
  return `${spec.network}${flags}: ${end(spec.bind)} -> ${end(spec.target)}`;
}

function check(side: ForwardSide, cases: [string, string][]): void {
  for (const [text, expected] of cases) assertEquals(show(parseForward(text, side)), expected, text);
}

Deno.test("local forwards: one to four parts, and their defaults", () => {
  check("local", [
    ["80", "tcp: 127.0.0.1 80 -> 10.0.2.100 80"],
    ["0", "tcp: 127.0.0.1 0 -> 10.0.2.100 0"],
    ["127.1.2.3:1237", "tcp: 127.1.2.3 1237 -> 10.0.2.100 1237"],
    ["0:10.0.2.100:80", "tcp: 127.0.0.1 0 -> 10.0.2.100 80"],
    ["localhost:0:10.0.2.100:80", "tcp: localhost 0 -> 10.0.2.100 80"],
    ["udp://:0::80", "udp: 127.0.0.1 0 -> 10.0.2.100 80"],
    ["udp://127.0.0.1:0::80", "udp: 127.0.0.1 0 -> 10.0.2.100 80"],
    ["udp://0.0.0.0:0::80", "udp: 0.0.0.0 0 -> 10.0.2.100 80"],
    ["8080:web.example:", "tcp: 127.0.0.1 8080 -> web.example 8080"],
    ["8080::", "tcp: 127.0.0.1 8080 -> 10.0.2.100 8080"],
    [":::", "tcp: 127.0.0.1 0 -> 10.0.2.100 0"],
    [":", "tcp: 127.0.0.1 0 -> 10.0.2.100 0"],
    ["8080::0", "tcp: 127.0.0.1 8080 -> 10.0.2.100 0"],
  ]);
});

Deno.test("local forwards: an IPv6 address on either side makes the other default IPv6", () => {
  check("local", [
    ["udp://:0:[fd00::100]:80", "udp: ::1 0 -> fd00::100 80"],
    ["udp://[::1]:0::80", "udp: ::1 0 -> fd00::100 80"],
    ["udp://[::]:::80", "udp: :: 0 -> fd00::100 80"],
    ["[::1]:80", "tcp: ::1 80 -> fd00::100 80"],
    ["[::]:0:10.0.2.100:80", "tcp: :: 0 -> 10.0.2.100 80"],
    ["0.0.0.0:0:[fd00::100]:80", "tcp: 0.0.0.0 0 -> fd00::100 80"],
    ["localhost:0::80", "tcp: localhost 0 -> 10.0.2.100 80"],
    ["[::ffff:127.0.0.1]:80", "tcp: 127.0.0.1 80 -> 10.0.2.100 80"],
  ]);
});

Deno.test("remote forwards", () => {
  check("remote", [
    ["80", "tcp: 10.0.2.2 80 -> 127.0.0.1 80"],
    ["1.2.3.4:80", "tcp: 1.2.3.4 80 -> 127.0.0.1 80"],
    ["udp://80:127.0.0.1:53", "udp: 10.0.2.2 80 -> 127.0.0.1 53"],
    ["udp://[fd00::2]:0::53", "udp: fd00::2 0 -> ::1 53"],
    ["80:[2001:db8::1]:81", "tcp: fd00::2 80 -> 2001:db8::1 81"],
    ["udprpc://53", "udp one answer: 10.0.2.2 53 -> 127.0.0.1 53"],
    [
      "tcp://:2222:web.example@srv-8600:0",
      "tcp: 10.0.2.2 2222 -> web.example@srv-8600 0 asks 127.0.0.1:8600 for web.example",
    ],
    [":2222:[w@srv-192.0.2.53:53]:0", "tcp: 10.0.2.2 2222 -> w@srv-192.0.2.53:53 0 asks 192.0.2.53:53 for w"],
    [":2222:[w@srv-[::1]:53]:0", "tcp: 10.0.2.2 2222 -> w@srv-[::1]:53 0 asks [::1]:53 for w"],
    ["tcp://w@srv-1:0::2222", "tcp: w@srv-1 0 asks 127.0.0.1:1 for w -> 127.0.0.1 2222"],
  ]);
});

Deno.test("networks with a PROXY header are for local forwards", () => {
  check("local", [
    ["tcppp://0:10.0.2.100:0", "tcp proxy protocol: 127.0.0.1 0 -> 10.0.2.100 0"],
    ["udpspp://5", "udp proxy protocol: 127.0.0.1 5 -> 10.0.2.100 5"],
    ["udprpc://5", "udp one answer: 127.0.0.1 5 -> 10.0.2.100 5"],
  ]);
  for (const network of ["tcppp", "udpspp"]) {
    const error = assertThrows(() => parseForward(`${network}://80`, "remote"), InvalidValue);
    assertEquals(error.message, `network type "${network}" is for local forwards only`);
  }
});

Deno.test("a bad forward is an error with a reason", () => {
  const cases: [string, string][] = [
    ["a", 'strconv.ParseUint: parsing "a": invalid syntax'],
    ["1.2.3.4", 'strconv.ParseUint: parsing "1.2.3.4": invalid syntax'],
    ["65536", 'strconv.ParseUint: parsing "65536": value out of range'],
    ["80:host:http", 'strconv.ParseUint: parsing "http": invalid syntax'],
    ["-1:host:80", 'strconv.ParseUint: parsing "-1": invalid syntax'],
    ["sctp://80", 'unknown network type "sctp"'],
    ["toString://80", 'unknown network type "toString"'],
    ["://80", 'unknown network type ""'],
    ["", "a port is missing"],
    ["udp://", "a port is missing"],
    ["::1:80::", 'too many parts in "::1:80::", IPv6 needs brackets'],
    ["[::1:80", `missing ']' in "[::1:80"`],
    ["80:web@dns-53:0", 'unknown dns type "dns-53"'],
    ["80:@srv-53:0", 'a name is missing in "@srv-53"'],
    ["80:web@srv-:0", 'strconv.ParseUint: parsing "": invalid syntax'],
    ["80:[web@srv-ns.example:53]:0", 'bad dns server "ns.example:53"'],
    ["80:[web@srv-::1:53]:0", 'bad dns server "::1:53"'],
  ];
  for (const [text, message] of cases) {
    assertEquals(assertThrows(() => parseForward(text, "local"), InvalidValue).message, message, text);
  }
});

Deno.test("four full parts come back as they were written", () => {
  const host = fc.oneof(
    fc.ipV4(),
    fc.constantFrom("[::1]", "[fd00::100]", "[2001:db8::5:6]", "name.example", "[a@srv-[::1]:53]", "a@srv-53"),
  );
  const port = fc.integer({ min: 1, max: 65535 });
  fc.assert(fc.property(host, port, host, port, fc.constantFrom("tcp", "udp"), (bind, from, target, to, network) => {
    const spec = parseForward(`${network}://${bind}:${from}:${target}:${to}`, "local");
    const bare = (text: string) => text.startsWith("[") ? text.slice(1, -1) : text;
    assertEquals(spec.network, network, "network");
    assertEquals(formatHost(spec.bind.host), bare(bind), "bind address");
    assertEquals(spec.bind.port, from, "bind port");
    assertEquals(formatHost(spec.target.host), bare(target), "target");
    assertEquals(spec.target.port, to, "target port");
  }));
});

Deno.test("any text is a forward or an InvalidValue", () => {
  const piece = fc.constantFrom("tcp://", "[", "]", ":", "::", "80", "1.2.3.4", "a", "@srv-", "-", "/", "");
  fc.assert(fc.property(fc.array(piece), (pieces) => {
    try {
      parseForward(pieces.join(""), "remote");
    } catch (error) {
      assert(error instanceof InvalidValue, String(error));
    }
  }));
});
