/** Requests and ClientHellos that are hidden from the guard, behind others or in pieces. */
import { assert, assertEquals } from "../../assert.ts";
import { assertTurnedAway, bytesOf, connect, FORBIDDEN, get, HELLO, text } from "./guard_bed.ts";

function post(fields: string): string {
  return `POST / HTTP/1.1\r\nHost: example.com\r\n${fields}\r\n\r\n`;
}

const EVIL_GET = get("evil.test");

/** Requests to the allowed name with another one hidden behind, of which no byte may reach the host. */
const SMUGGLED: readonly (readonly [what: string, first: string, reason: string])[] = [
  ["behind a body that is longer than announced", `${post("Content-Length: 3")}abc`, "name_mismatch"],
  ["behind HEAD", "HEAD / HTTP/1.1\r\nHost: example.com\r\n\r\n", "name_mismatch"],
  ["behind Expect", `${post("Expect: 100-continue\r\nContent-Length: 0")}`, "name_mismatch"],
  ["behind the last chunk", `${post("Transfer-Encoding: chunked")}0\r\n\r\n`, "name_mismatch"],
  ["behind a chunk's extension", `${post("Transfer-Encoding: chunked")}0;a=b\r\n\r\n`, "name_mismatch"],
  [
    "behind HTTP/1.0 with keep-alive",
    "GET / HTTP/1.0\r\nHost: example.com\r\nConnection: keep-alive\r\n\r\n",
    "name_mismatch",
  ],
];
for (const [what, first, reason] of SMUGGLED) {
  Deno.test(`guard: a request to another host ${what} is refused`, async () => {
    const { flow, run, toHost, verdicts } = await connect("http");
    for (const byte of bytesOf(first + EVIL_GET)) {
      flow.sends(Uint8Array.of(byte));
      run();
    }
    assertEquals(toHost(), first);
    assertEquals(verdicts.map(({ refusal }) => refusal), [null, reason]);
  });
}

/** Bodies whose length two servers could read in two ways: https://portswigger.net/web-security/request-smuggling */
const AMBIGUOUS = [
  "Content-Length: 3\r\nTransfer-Encoding: chunked",
  "Content-Length: 3\r\nContent-Length: 4",
  "Content-Length: 3, 3",
  "Content-Length: +3",
  "Content-Length: 0x3",
  "Transfer-Encoding: chunked, identity",
  "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
  "Transfer-Encoding : chunked",
  "Transfer-Encoding:\r\n chunked",
  "X: y\r\n Content-Length: 3",
];
for (const fields of AMBIGUOUS) {
  Deno.test(`guard: an ambiguous body is refused: ${JSON.stringify(fields)}`, async () => {
    const connection = await connect("http");
    connection.flow.sends(bytesOf(post(fields)));
    assertEquals(connection.verdict(), "malformed");
    assertTurnedAway(connection, FORBIDDEN);
  });
}

// servers read requests behind a refused upgrade: https://github.com/kemalcr/kemal/pull/767
Deno.test("guard: when the server refuses the WebSocket, what follows is judged", async () => {
  const ask = get("example.com", "Connection: Upgrade\r\nUpgrade: websocket\r\n");
  for (
    const answer of ["HTTP/1.1 426 Upgrade Required\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 \r\n\r\n"]
  ) {
    const { flow, toHost, run, stream, verdicts } = await connect("http");
    flow.sends(bytesOf(ask + EVIL_GET));
    run();
    stream.sends(bytesOf(answer));
    stream.completeRead();
    run();
    assertEquals(toHost(), ask, answer);
    assertEquals(verdicts.at(-1)?.refusal, "name_mismatch", answer);
  }
});

/** Beginnings that alone look like no request and no ClientHello, and rests that make one of them for some server. */
const IN_PIECES: readonly (readonly [what: string, first: string, rest: string, words: RegExp | null])[] = [
  ["a long method", "A".repeat(40), " / HTTP/1.1\r\nHost: evil.test\r\n\r\n", FORBIDDEN],
  ["white space before the method", " ", "GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", FORBIDDEN],
  ["a control character in the target", "GET /\x01", " HTTP/1.1\r\nHost: evil.test\r\n\r\n", FORBIDDEN],
  ["an alert before a ClientHello", "\x15\x03\x01\0\x02\x01\x5a", text([...HELLO]), null],
];
for (const [what, first, rest, words] of IN_PIECES) {
  Deno.test(`guard: where the rule has no kind, ${what} in a segment of its own does not pass as another protocol`, async () => {
    const connection = await connect("any");
    connection.flow.sends(bytesOf(first));
    connection.run();
    assertEquals(connection.toHost(), "", "the beginning");
    connection.flow.sends(bytesOf(rest));
    assert(connection.verdict() !== "allowed", connection.verdict());
    assertTurnedAway(connection, words);
  });
}
