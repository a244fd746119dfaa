import { parseServiceAddress, parseUnixAddress } from "../../../forward/syntax/service_address.ts";
import { InvalidValue } from "../../../forward/syntax/invalid_value.ts";
import { formatEndpoint } from "../../../stack/base/address.ts";
import { assertEquals, assertThrows } from "../../assert.ts";

Deno.test("parseServiceAddress accepts TCP and Unix addresses", () => {
  for (
    const [text, kind, shown] of [
      ["tcp://127.0.0.1:9100", "tcp", "127.0.0.1:9100"],
      ["tcp://[::1]:0", "tcp", "[::1]:0"],
      ["tcp://0.0.0.0:65535", "tcp", "0.0.0.0:65535"],
      ["unix:///run/slirp.sock", "unix", "/run/slirp.sock"],
      ["unix://relative:80", "unix", "relative:80"],
    ] as const
  ) {
    const address = parseServiceAddress(text);
    assertEquals(address.kind, kind, text);
    assertEquals(address.kind === "tcp" ? formatEndpoint(address.endpoint) : address.path, shown, text);
  }
});

Deno.test("parseServiceAddress gives the reason for a bad address", () => {
  for (
    const [text, reason] of [
      ["", "must be tcp://IP:PORT or unix://PATH"],
      ["127.0.0.1:9100", "must be tcp://IP:PORT or unix://PATH"],
      ["udp://127.0.0.1:9100", 'unknown network type "udp"'],
      ["://127.0.0.1:9100", 'unknown network type ""'],
      ["tcp://127.0.0.1", 'missing port in address "127.0.0.1"'],
      ["tcp://", 'missing port in address ""'],
      ["tcp://::1:80", 'too many colons in address "::1:80", IPv6 needs brackets'],
      ["tcp://[::1:80", "missing ']' in \"[::1:80\""],
      ["tcp://localhost:80", 'not an IP address: "localhost"'],
      ["tcp://:80", 'not an IP address: ""'],
      ["tcp://127.0.0.1:a", 'strconv.ParseUint: parsing "a": invalid syntax'],
      ["tcp://127.0.0.1:65536", 'strconv.ParseUint: parsing "65536": value out of range'],
      ["unix://", "a path is missing"],
      ["unix://a\0b", "a path can't have a NUL in it"],
      ["unix:///" + "ä".repeat(54), "a path of 109 bytes: a socket's may have 107"],
    ]
  ) assertEquals(assertThrows(() => parseServiceAddress(text!), InvalidValue).message, reason);
});

Deno.test("parseUnixAddress accepts only Unix sockets", () => {
  assertEquals(parseUnixAddress("unix:///run/api"), { kind: "unix", path: "/run/api" });
  for (const text of ["", "/run/api", "tcp://127.0.0.1:80", "http://x"]) {
    assertEquals(assertThrows(() => parseUnixAddress(text), InvalidValue).message, "must be unix://PATH", text);
  }
  assertThrows(() => parseUnixAddress("unix://"), InvalidValue, "a path is missing");
});
