import { HELD_MS, PARTING_MS } from "../../../forward/limits/timeouts.ts";
import { MAX_HELD_FLOW_BYTES } from "../../../forward/limits/limits.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../assert.ts";
import { clientHello, records } from "../../../scripts/lab/hello.ts";
import { ALERT, ALERTED, assertTurnedAway, bytesOf, connect, FORBIDDEN, get, HELLO, text } from "./guard_bed.ts";

// ---- TLS ----

Deno.test("guard: a ClientHello of the name passes, and what is behind it, as it was", async () => {
  const { flow, toHost, verdict, verdicts, toGuest, stream, run } = await connect("tls");
  stream.sends(bytesOf("the server is first"));
  flow.sends(HELLO.subarray(0, 40));
  assertEquals(toHost(), "", "before the name is complete");
  assertEquals(toGuest(), "", "nothing of the server's either");
  flow.sends(HELLO.subarray(40));
  flow.sends(bytesOf("more"));
  run();
  assertEquals(toHost(), `${text([...HELLO])}more`);
  assertEquals(verdict(), "allowed");
  assertEquals(verdicts[0].shown, { by: "tls", name: "example.com", alpn: ["h2", "http/1.1"], ech: false });
  assertEquals(toGuest(), "the server is first");
});

Deno.test("guard: a ClientHello in one-byte segments, over several records", async () => {
  const { flow, toHost, verdict, run } = await connect("tls");
  const bytes = records(clientHello(), 20);
  for (const byte of bytes) flow.sends(Uint8Array.of(byte));
  for (let i = 0; i < 100; i++) run();
  assertEquals(toHost(), text([...bytes]));
  assertEquals(verdict(), "allowed");
});

Deno.test("guard: another name gets the alert access_denied", async () => {
  const connection = await connect("tls");
  connection.flow.sends(records(clientHello({ names: ["evil.test"] })));
  assertEquals(connection.verdict(), "name_mismatch");
  assertEquals(connection.verdicts[0].shown?.name, "evil.test");
  assertEquals(connection.flow.toGuest, ALERT);
  assertEquals(connection.ends, ["l=[refused by the policy]/0 r=0/0"]);
  assertTurnedAway(connection, ALERTED);
});

const REFUSED_HELLOS: readonly (readonly [what: string, bytes: Uint8Array, reason: string, words: RegExp | null])[] = [
  ["no name", records(clientHello({ names: null })), "no_name", ALERTED],
  ["an encrypted part", records(clientHello({ extensions: [[0xfe0d, new Uint8Array(9)]] })), "no_name", ALERTED],
  ["two names", records(clientHello({ names: ["example.com", "b.test"] })), "malformed", ALERTED],
  ["HTTP", bytesOf("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"), "not_tls", null],
  ["SSH", bytesOf("SSH-2.0-x\r\n"), "not_tls", null],
  ["a length past all bounds", Uint8Array.of(22, 3, 1, 0x40, 0, 1, 0x7f, 0xff, 0xff), "too_long", ALERTED],
];
for (const [what, bytes, reason, words] of REFUSED_HELLOS) {
  Deno.test(`guard: where the rule wants TLS, ${what} is refused: ${reason}`, async () => {
    const connection = await connect("tls");
    connection.flow.sends(bytes);
    assertEquals(connection.verdict(), reason);
    assertTurnedAway(connection, words);
  });
}

Deno.test("guard: a ClientHello that stalls is refused in time, and so is silence", async () => {
  for (const [sent, words] of [[HELLO.subarray(0, 100), ALERTED], [new Uint8Array(0), null]] as const) {
    const connection = await connect("tls"), { scheduler, flow } = connection;
    if (sent.length > 0) flow.sends(sent);
    scheduler.advance(HELD_MS - 1);
    assertEquals(connection.verdict(), "0 verdicts");
    scheduler.advance(1);
    assertEquals(connection.verdict(), "too_late");
    assertTurnedAway(connection, words);
  }
});

Deno.test("guard: what is held is bounded for all connections together, and given back", async () => {
  const { flow, held, verdict } = await connect("tls", 110);
  flow.sends(HELLO.subarray(0, 100));
  assertEquals(held.current, 100, "held bytes");
  flow.sends(HELLO.subarray(100, 120));
  assertEquals(verdict(), "limit");
  assertEquals(held.current, 0, "held bytes afterwards");
  assertEquals(held.overflows, 1, "overflows");
});

Deno.test("guard: a guest that goes away leaves nothing behind", async () => {
  for (const shows of ["tls", "http", "any"] as const) {
    const { flow, stream, connections, held, scheduler, verdicts } = await connect(shows);
    flow.sends(bytesOf("\x16\x03\x01\x02"));
    flow.ends("reset");
    for (let i = 0; i < 4; i++) scheduler.runDeferred();
    assert(stream.isClosed, `${shows}: the host's side is closed`);
    assertEquals(connections.size, 0, `${shows}: connections`);
    assertEquals(held.current, 0, `${shows}: held bytes`);
    scheduler.advance(2 * HELD_MS);
    assertEquals(verdicts.filter(({ refusal }) => refusal === "too_late"), [], `${shows}: late verdicts`);
  }
});

Deno.test("guard: a guest that sends nothing and closes is no offender", async () => {
  const { flow, stream, verdict } = await connect("tls");
  flow.finishes();
  assertEquals(verdict(), "allowed");
  assert(stream.writeEnded, "the host hears of it");
});

Deno.test("guard: a guest that does not close is reset", async () => {
  const { flow, scheduler, connections } = await connect("tls");
  flow.sends(bytesOf("\x16\x03\x01\x00\x01\x02"));
  assertEquals(flow.toGuest, ALERT);
  flow.sends(new Uint8Array(1_000));
  assertEquals(flow.readable, 0, "what follows is dropped");
  scheduler.advance(PARTING_MS);
  assertEquals(flow.aborts, 1);
  assertEquals(connections.size, 0);
});

Deno.test("guard: the end of the program resets what is held, and what is being told", async () => {
  const held = await connect("tls"), told = await connect("tls");
  told.flow.sends(bytesOf("\x16\x03\x01\x00\x01\x02"));
  for (const { flows, flow, stream, connections } of [held, told]) {
    flows.abort();
    assertEquals(flow.aborts, 1, "the guest's side");
    assert(stream.isClosed, "the host's side");
    assertEquals(connections.size, 0, "connections");
  }
});

// ---- HTTP ----

Deno.test("guard: each request is judged; bodies pass as they come", async () => {
  const { flow, toHost, verdict, run, stream, toGuest } = await connect("http");
  stream.sends(bytesOf("early"));
  const first = get("example.com", "Content-Length: 5\r\n") + "he";
  flow.sends(bytesOf(first.slice(0, 20)));
  run();
  assertEquals(toHost() + toGuest(), "", "before the head is complete");
  flow.sends(bytesOf(first.slice(20)));
  run();
  assertEquals(toHost(), first);
  assertEquals(toGuest(), "early");
  flow.sends(bytesOf(`llo${get("example.com")}`));
  run();
  assertEquals(toHost(), `${first}llo${get("example.com")}`);
  assertEquals(verdict(), "allowed");
});

Deno.test("guard: a wrong Host gets 403 with the rule that would let it", async () => {
  const connection = await connect("http");
  connection.flow.sends(bytesOf(get("evil.test")));
  assertEquals(connection.verdict(), "name_mismatch");
  connection.run();
  assertStringIncludes(connection.toGuest(), "this request to evil.test: its host is not the name");
  assertStringIncludes(connection.toGuest(), "the rule the rule opens it");
  assertStringIncludes(connection.toGuest(), "-only tcp://example.com:80\n");
  assertTurnedAway(connection, FORBIDDEN);
});

Deno.test("guard: a request behind others is refused before a byte of it leaves", async () => {
  const { flow, toHost, verdicts, run, stream } = await connect("http");
  flow.sends(bytesOf(get("example.com") + get("evil.test")));
  run();
  assertEquals(toHost(), get("example.com"));
  assertEquals(verdicts.map(({ refusal }) => refusal), [null, "name_mismatch"]);
  assert(stream.isClosed, "the host's side is closed");
  assertEquals(flow.aborts, 1, "in the middle of an answer the guest is reset");
});

Deno.test("guard: a wrong request after an answer gets 403", async () => {
  const { flow, run, stream, toGuest } = await connect("http");
  flow.sends(bytesOf(get("example.com")));
  run();
  stream.sends(bytesOf("HTTP/1.1 204 No Content\r\n\r\n"));
  stream.completeRead();
  run();
  flow.sends(bytesOf(get("evil.test")));
  run();
  assertMatch(toGuest(), /^HTTP\/1\.1 204 No Content\r\n\r\nHTTP\/1\.1 403 Forbidden\r\n/);
});

const REFUSED_REQUESTS: readonly (readonly [what: string, sent: string, reason: string, words: RegExp | null])[] = [
  ["CONNECT", "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n", "not_http", FORBIDDEN],
  ["h2c by prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "not_http", FORBIDDEN],
  ["h2c by upgrade", get("example.com", "Upgrade: h2c\r\n"), "not_http", FORBIDDEN],
  [
    "an absolute target of another host",
    "GET http://evil.test/ HTTP/1.1\r\nHost: example.com\r\n\r\n",
    "malformed",
    FORBIDDEN,
  ],
  ["two Hosts", get("example.com", "Host: evil.test\r\n"), "malformed", FORBIDDEN],
  ["bare LF", "GET / HTTP/1.1\nHost: example.com\n\n", "malformed", FORBIDDEN],
  ["no Host", "GET / HTTP/1.0\r\n\r\n", "no_name", FORBIDDEN],
  ["TLS", text([...HELLO]), "not_http", ALERTED],
  ["a head past all bounds", `GET / HTTP/1.1\r\nX: ${"x".repeat(MAX_HELD_FLOW_BYTES)}`, "too_long", FORBIDDEN],
];
for (const [what, sent, reason, words] of REFUSED_REQUESTS) {
  Deno.test(`guard: where the rule wants HTTP, ${what} is refused: ${reason}`, async () => {
    const connection = await connect("http");
    connection.flow.sends(bytesOf(sent));
    assertEquals(connection.verdict(), reason);
    assertTurnedAway(connection, words);
  });
}

Deno.test("guard: a head that stalls is refused, the first and a later one", async () => {
  const first = await connect("http");
  first.flow.sends(bytesOf("GET / HT"));
  first.scheduler.advance(HELD_MS);
  assertEquals(first.verdict(), "too_late");
  assertTurnedAway(first, FORBIDDEN);
  const later = await connect("http");
  later.flow.sends(bytesOf(get("example.com")));
  later.run();
  later.scheduler.advance(10 * HELD_MS);
  assertEquals(later.verdict(), "allowed", "an idle connection is none");
  later.flow.sends(bytesOf("GET / HT"));
  later.scheduler.advance(HELD_MS);
  assertEquals(later.verdicts.at(-1)!.refusal, "too_late");
});

Deno.test("guard: a WebSocket's frames pass when the server has switched", async () => {
  const { flow, toHost, run, stream } = await connect("http");
  const ask = get("example.com", "Connection: Upgrade\r\nUpgrade: websocket\r\n");
  flow.sends(bytesOf(`${ask}frames`));
  run();
  assertEquals(toHost(), ask, "before the server has answered");
  stream.sends(bytesOf("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
  stream.completeRead();
  run();
  assertEquals(toHost(), `${ask}frames`);
  flow.sends(bytesOf(get("evil.test")));
  run();
  assertStringIncludes(toHost(), "evil.test", "all the rest is opaque");
});

Deno.test("guard: the guest's and the server's ends pass", async () => {
  const { flow, run, stream, connections, ends } = await connect("http");
  flow.sends(bytesOf(get("example.com")));
  flow.finishes();
  run();
  assert(stream.writeEnded, "the host hears that nothing follows");
  stream.finishes();
  stream.completeRead();
  run();
  assertEquals(flow.shutdowns, 1, "FIN to the guest");
  flow.ends(null);
  run();
  assertEquals(connections.size, 0);
  assertEquals(ends, ["l=[EOF]/0 r=EOF/0"]);
});

// ---- whatever it shows ----

Deno.test("guard: where the rule has no kind, the server may be the first to speak", async () => {
  const { flow, stream, run, toGuest, toHost, verdict, scheduler } = await connect("any");
  stream.sends(bytesOf("220 ready\r\n"));
  stream.completeRead();
  run();
  assertEquals(toGuest(), "220 ready\r\n");
  scheduler.advance(10 * HELD_MS);
  assertEquals(verdict(), "0 verdicts", "silence is allowed");
  flow.sends(bytesOf("EHLO client\r\n"));
  run();
  assertEquals(toHost(), "EHLO client\r\n");
  assertEquals(verdict(), "allowed");
  flow.sends(bytesOf("MAIL"));
  run();
  assertEquals(toHost(), "EHLO client\r\nMAIL");
});

Deno.test("guard: where the rule has no kind, TLS and HTTP must have the name", async () => {
  const cases: readonly (readonly [sent: string, verdict: string, words: RegExp | null])[] = [
    [text([...HELLO]), "allowed", null],
    [text([...records(clientHello({ names: ["evil.test"] }))]), "name_mismatch", ALERTED],
    [get("example.com"), "allowed", null],
    [get("evil.test"), "name_mismatch", FORBIDDEN],
    ["GET / HTTP/1.1\nHost: example.com\n\n", "malformed", FORBIDDEN],
  ];
  for (const [sent, verdict, words] of cases) {
    const connection = await connect("any");
    for (const byte of bytesOf(sent)) connection.flow.sends(Uint8Array.of(byte));
    for (let i = 0; i < 100; i++) connection.run();
    assertEquals(connection.verdict(), verdict, JSON.stringify(sent).slice(0, 30));
    if (verdict === "allowed") assertEquals(connection.toHost(), sent);
    else assertTurnedAway(connection, words);
  }
});
