import { readHead } from "../../../../forward/gate/readers/http_head.ts";
import { assertEquals } from "../../../assert.ts";

const bytesOf = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

function read(text: string) {
  const bytes = bytesOf(text);
  return readHead(bytes, 0, bytes.length);
}

/** The host that the head is for, or the answer in another word. */
function answer(text: string): string {
  const reading = read(text);
  return reading.is === "shown" ? reading.shown.name : reading.is === "bad" ? reading.fault : reading.is;
}

const END = "\r\n\r\n";

Deno.test("HTTP head: the host, its length and its body", () => {
  const head = "POST /path?query HTTP/1.1\r\nHost: Example.com:8080\r\nContent-Length: 12\r\nAccept: */*\r\n\r\n";
  assertEquals(read(`${head}hello, world`), {
    is: "shown",
    shown: { name: "example.com", length: head.length, body: { by: "length", length: 12 }, websocket: false },
  });
});

Deno.test("HTTP head: each beginning wants more", () => {
  const head = "GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\nX: \tä\t\r\n\r\n";
  for (let length = 0; length < head.length; length++) {
    assertEquals(answer(head.slice(0, length)), "more", `${length} bytes`);
  }
  assertEquals(answer(head), "example.com");
});

const HEADS: readonly (readonly [head: string, answer: string])[] = [
  // the host
  [`GET / HTTP/1.1${END}`, "no_name"],
  [`GET / HTTP/1.1\r\nHost:${END}`, "no_name"],
  [`GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test${END}`, "malformed"],
  [`GET / HTTP/1.1\r\nHost: a.test\r\nhOST: a.test${END}`, "malformed"],
  [`GET / HTTP/1.1\r\nHost: a.test, b.test${END}`, "malformed"],
  [`GET / HTTP/1.1\r\nHost: a.test b.test${END}`, "malformed"],
  [`GET / HTTP/1.1\r\nHost: user@a.test${END}`, "malformed"],
  [`GET / HTTP/1.1\r\nHost: a.test.${END}`, "a.test"],
  [`GET / HTTP/1.1\r\nHost: a.test..${END}`, "malformed"],
  [`GET / HTTP/1.1\r\nHost: 192.0.2.1${END}`, "malformed"],
  [`GET / HTTP/1.1\r\nHost: [2001:db8::1]:80${END}`, "malformed"],
  [`GET / HTTP/1.1\r\nHost: a.test:port${END}`, "malformed"],
  [`GET / HTTP/1.1\r\nHost: a.test/x${END}`, "malformed"],
  [`GET / HTTP/1.1\r\nHost: a\0.test${END}`, "malformed"],
  [`GET / HTTP/1.1\r\nHost\t: a.test${END}`, "malformed"],
  [`GET / HTTP/1.1\r\nHost : a.test${END}`, "malformed"],
  [`GET / HTTP/1.1\r\n Host: a.test${END}`, "malformed"],
  [`GET / HTTP/1.1\r\nX: 1\r\n Host: b.test\r\nHost: a.test${END}`, "malformed"],
  [`GET / HTTP/1.1\r\nX: 1\r\n\t2\r\nHost: a.test${END}`, "malformed"],
  // the target
  [`GET http://a.test/ HTTP/1.1\r\nHost: a.test${END}`, "a.test"],
  [`GET HTTP://A.test:80?x HTTP/1.1\r\nHost: a.test${END}`, "a.test"],
  [`GET http://b.test/ HTTP/1.1\r\nHost: a.test${END}`, "malformed"],
  [`GET http://x@a.test/ HTTP/1.1\r\nHost: a.test${END}`, "malformed"],
  [`GET http://a.test@b.test/ HTTP/1.1\r\nHost: a.test${END}`, "malformed"],
  [`GET https://a.test/ HTTP/1.1\r\nHost: a.test${END}`, "malformed"],
  [`GET ftp://a.test/ HTTP/1.1\r\nHost: a.test${END}`, "malformed"],
  [`GET a.test HTTP/1.1\r\nHost: a.test${END}`, "malformed"],
  [`GET  / HTTP/1.1\r\nHost: a.test${END}`, "malformed"],
  [`GET / x HTTP/1.1\r\nHost: a.test${END}`, "malformed"],
  [`GET\t/ HTTP/1.1\r\nHost: a.test${END}`, "malformed"],
  [`GET / HTTP/1.1 \r\nHost: a.test${END}`, "unsupported"],
  [`OPTIONS * HTTP/1.1\r\nHost: a.test${END}`, "a.test"],
  [`GET * HTTP/1.1\r\nHost: a.test${END}`, "malformed"],
  [`CONNECT a.test:443 HTTP/1.1\r\nHost: a.test${END}`, "unsupported"],
  // versions
  [`GET / HTTP/1.0\r\nHost: a.test${END}`, "a.test"],
  [`GET / HTTP/1.2\r\nHost: a.test${END}`, "unsupported"],
  [`GET / HTTP/2.0\r\nHost: a.test${END}`, "unsupported"],
  [`GET / http/1.1\r\nHost: a.test${END}`, "malformed"],
  [`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`, "unsupported"],
  // line ends
  ["GET / HTTP/1.1\nHost: a.test\n\n", "malformed"],
  ["GET / HTTP/1.1\r\nHost: a.test\nX: 1\r\n\r\n", "malformed"],
  ["GET / HTTP/1.1\r\nHost: a.test\r\n\n", "malformed"],
  ["GET / HTTP/1.1\r\nHost: a.test\rHost: b.test\r\n\r\n", "malformed"],
  ["GET / HTTP/1.1\r\nHost: a.test\r\r\n\r\n", "malformed"],
  ["\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "malformed"],
  ["\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "malformed"],
  // bodies
  [`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\nContent-Length: 5${END}`, "malformed"],
  [`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5, 5${END}`, "malformed"],
  [`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: +5${END}`, "malformed"],
  [`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0x5${END}`, "malformed"],
  [`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length:${END}`, "malformed"],
  [`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked${END}`, "malformed"],
  [`POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: Chunked${END}`, "a.test"],
  [`POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: gzip, chunked${END}`, "malformed"],
  [`POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: identity${END}`, "malformed"],
  [`POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x${END}`, "malformed"],
  [`POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: \x0bchunked${END}`, "malformed"],
  [`POST / HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked${END}`, "malformed"],
  // other protocols
  ["SSH-2.0-OpenSSH_9.6\r\n", "none"],
  ["EHLO client.test\r\n", "none"],
  ["NICK somebody\r\n", "none"],
  ["GET /\r\n", "none"],
  ["\x16\x03\x01\x02\x00", "none"],
  ["\x00\x00\x00\x08\x04\xd2\x16\x2f", "none"],
  ['{"id": 1', "none"],
  // a line that comes in pieces: what the whole line could be is not decided by its beginning
  [`${"A".repeat(40)}`, "more"],
  [`${"A".repeat(40)} / HTTP/1.1\r\nHost: evil.test${END}`, "evil.test"],
  [" ", "more"],
  [" GET / HTTP/1.1\r\nHost: evil.test", "malformed"],
  ["\x0b", "more"],
  ["\x0bGET / HTTP/1.1\r\nHost: evil.test", "malformed"],
  ["GET /\x01", "more"],
  ["GET /\x01 HTTP/1.1\r\nHost: evil.test", "malformed"],
  ["GET\t/", "more"],
  ["GET\t/ HTTP/1.1\r\nHost: evil.test", "malformed"],
  // Upgrade
  [`GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: h2c\r\nHTTP2-Settings: x${END}`, "unsupported"],
  [`GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket, h2c${END}`, "unsupported"],
  [`GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nUpgrade: h2c${END}`, "unsupported"],
  [`GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: TLS/1.2${END}`, "unsupported"],
  [`POST / HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nContent-Length: 3${END}`, "unsupported"],
];
for (const [head, expected] of HEADS) {
  Deno.test(`HTTP head: ${JSON.stringify(head).slice(1, 90)}: ${expected}`, () => assertEquals(answer(head), expected));
}

Deno.test("HTTP head: a WebSocket is noted", () => {
  const reading = read(`GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: WebSocket${END}`);
  assertEquals(reading.is === "shown" && reading.shown.websocket, true);
});
