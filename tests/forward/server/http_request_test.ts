import { headLength, isOwnHost, parseRequest } from "../../../forward/server/http_request.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("the end of a head", () => {
  for (
    const [text, expected] of [
      ["", -1],
      ["GET / HTTP/1.1\r\n", -1],
      ["GET / HTTP/1.1\r\nA: b\r\n\r", -1],
      ["GET / HTTP/1.1\r\nA: b\r\n\r\nbody\r\n\r\n", 24],
      ["GET / HTTP/1.0\n\nbody", 16],
      ["\r\n\r\n", 4],
    ] as const
  ) {
    const bytes = new TextEncoder().encode(text + "\n\n");
    assertEquals(headLength(bytes, text.length), expected, JSON.stringify(text));
  }
});

Deno.test("the first line", () => {
  const parse = (line: string) => parseRequest(`${line}\r\nHost: x\r\n\r\n`);
  assertEquals(parse("GET /metrics HTTP/1.1"), { method: "GET", path: "/metrics", host: "x" });
  assertEquals(parse("GET /metrics?a=b#c HTTP/1.0"), { method: "GET", path: "/metrics", host: "x" });
  assertEquals(parse("HEAD http://localhost:80/health?x HTTP/1.1"), {
    method: "HEAD",
    path: "/health",
    host: "localhost:80",
  });
  assertEquals(parse("GET http://localhost HTTP/1.1"), { method: "GET", path: "/", host: "localhost" });
  assertEquals(parse("OPTIONS * HTTP/1.1"), { method: "OPTIONS", path: "*", host: "x" });
  for (
    const line of [
      "",
      "GET /",
      "GET / HTTP/2",
      "GET  / HTTP/1.1",
      " GET / HTTP/1.1",
      "GET / x HTTP/1.1",
      "\x16\x03\x01",
    ]
  ) {
    assertEquals(parse(line), null, line);
  }
});

Deno.test("the host that was asked", () => {
  const host = (headers: string) => parseRequest(`GET / HTTP/1.1\r\n${headers}\r\n`)?.host;
  assertEquals(host(""), null, "none");
  assertEquals(host("Accept: */*\r\nHOST:  evil.example:80 \r\nX: y\r\n"), "evil.example:80");
  assertEquals(host("Host:\r\n"), "");
  assertEquals(host("X-Host: a\r\n"), null, "another header");
  assertEquals(parseRequest("GET / HTTP/1.1\nHost: a\n\n")?.host, "a", "lines that end with LF");
  assertEquals(parseRequest("GET / HTTP/1.1\r\nHost: a\r\nHost: 127.0.0.1\r\n\r\n"), null, "two");
});

Deno.test("hosts that are this server's own", () => {
  for (
    const host of [null, "127.0.0.1", "127.0.0.1:9100", "192.0.2.1", "[::1]", "[::1]:9100", "localhost", "LocalHost:1"]
  ) {
    assertEquals(isOwnHost(host), true, String(host));
  }
  for (
    const host of [
      "",
      "x",
      "evil.example:9100",
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "notlocalhost",
      "[x]",
    ]
  ) {
    assertEquals(isOwnHost(host), false, host);
  }
});
