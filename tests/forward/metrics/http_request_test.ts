import { headLength, parseRequest } from "../../../forward/metrics/http_request.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("where a head ends", () => {
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
  assertEquals(parse("GET /metrics HTTP/1.1"), { method: "GET", path: "/metrics" });
  assertEquals(parse("GET /metrics?a=b#c HTTP/1.0"), { method: "GET", path: "/metrics" });
  assertEquals(parse("HEAD http://localhost:80/health?x HTTP/1.1"), { method: "HEAD", path: "/health" });
  assertEquals(parse("GET http://localhost HTTP/1.1"), { method: "GET", path: "/" });
  assertEquals(parse("OPTIONS * HTTP/1.1"), { method: "OPTIONS", path: "*" });
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
