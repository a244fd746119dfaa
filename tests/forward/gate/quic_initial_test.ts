import { QuicAdmission } from "../../../forward/gate/quic_admission.ts";
import { HeldBytes } from "../../../forward/gate/held_bytes.ts";
import { InitialReader } from "../../../forward/gate/readers/quic_initial.ts";
import { HELD_MS } from "../../../forward/limits/timeouts.ts";
import { assertEquals } from "../../assert.ts";
import { concat } from "../../bytes.ts";
import { clientHello } from "../../../scripts/lab/hello.ts";
import { cryptoFrame, initial, type InitialParts, RFC_DESTINATION, varint } from "../../../scripts/lab/quic.ts";

/** The CRYPTO frame of RFC 9001, appendix A.2: a ClientHello for example.com. */
const RFC_FRAME = "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c" +
  "00000413011302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c" +
  "706e000500050100000000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003" +
  "020304000d0010000e0403050306030203080408050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff0704" +
  "8000ffff0801100104800075300901100f088394c8f03e51570806048000ffff";

/** The beginning of the protected packet there, and its authentication tag, which vouches for the rest. */
const RFC_PACKET = "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9bd8bab936b47d92ec356c";
const RFC_TAG = "e221af44860018ab0856972e194cd934";
/** The same of RFC 9369, appendix A.2. */
const RFC_PACKET_2 = "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485dd04de806071bf03dceebfa162e75d6c";

const rfcPacket = (version: 1 | 2) => initial({ version, frames: [...Uint8Array.fromHex(RFC_FRAME)] });

/** The name that the datagrams show, or the last answer in another word. */
function answer(...datagrams: readonly Uint8Array[]): string {
  const reader = new InitialReader(false);
  let last = "nothing";
  for (const bytes of datagrams) {
    const reading = reader.take(bytes, 0, bytes.length);
    last = reading.is === "shown" ? reading.shown.name : reading.is === "bad" ? reading.fault : reading.is;
  }
  return last;
}

Deno.test("QUIC: the packets of the RFCs are read", () => {
  const one = rfcPacket(1), two = rfcPacket(2);
  assertEquals(one.toHex().slice(0, RFC_PACKET.length), RFC_PACKET, "the test seals as RFC 9001 does");
  assertEquals(one.toHex().slice(-RFC_TAG.length), RFC_TAG, "to the last byte");
  assertEquals(two.toHex().slice(0, RFC_PACKET_2.length), RFC_PACKET_2, "and as RFC 9369 does");
  assertEquals(answer(one), "example.com", "version 1");
  assertEquals(answer(two), "example.com", "version 2");
});

const HELLO = clientHello({ names: ["www.example.com"], alpn: ["h3"] });
const packet = (frames: readonly number[], rest: Partial<InitialParts> = {}) => initial({ frames, ...rest });

Deno.test("QUIC: CRYPTO frames in any order, with others between", () => {
  const end = HELLO.length;
  const frames = [
    ...cryptoFrame(HELLO, 100, end),
    1, // PING
    ...cryptoFrame(HELLO, 50, 120), // twice, the same
    ...[0, 0, 0], // PADDING
    ...[2, ...varint(0), ...varint(0), ...varint(0), ...varint(0)], // ACK
    ...[3, ...varint(7), ...varint(9), ...varint(1), ...varint(0), ...varint(1), ...varint(2), 1, 2, 3], // ACK with ECN
    ...cryptoFrame(HELLO, 0, 60),
  ];
  assertEquals(answer(packet(frames)), "www.example.com");
});

// where it went unread: https://github.com/SagerNet/sing-box/issues/1724
Deno.test("QUIC: a ClientHello over two datagrams, in either order, and not over five", () => {
  const long = clientHello({ names: ["www.example.com"], extensions: [[51, new Uint8Array(1_800).fill(3)]] });
  const halves = [packet(cryptoFrame(long, 0, 1_000)), packet(cryptoFrame(long, 1_000), { number: 3 })];
  assertEquals(answer(halves[0]), "more", "the first alone");
  assertEquals(answer(...halves), "www.example.com");
  assertEquals(answer(...halves.toReversed()), "www.example.com", "the second first");
  const parts = [0, 1, 2, 3].map((i) => packet(cryptoFrame(long, 400 * i, 400 * (i + 1)), { number: i }));
  assertEquals(answer(...parts), "too_long");
});

Deno.test("QUIC: two Initial packets in one datagram", () => {
  const one = packet(cryptoFrame(HELLO, 0, 100), { size: 0 });
  const two = packet(cryptoFrame(HELLO, 100), { number: 3, size: 1_200 });
  assertEquals(answer(concat([one, two])), "www.example.com");
});

Deno.test("QUIC: what a server might read otherwise is malformed", () => {
  const other = HELLO.map((byte) => byte ^ 1);
  assertEquals(answer(packet([...cryptoFrame(HELLO, 0, 100), ...cryptoFrame(other, 50)])), "malformed", "a byte twice");
  assertEquals(
    answer(packet([...cryptoFrame(HELLO), ...cryptoFrame(concat([HELLO, HELLO]), HELLO.length)])),
    "malformed",
  );
  assertEquals(answer(packet([0x08, 0, 1, 2])), "malformed", "a STREAM frame");
  assertEquals(answer(packet([6, 0, 0x44, 0xff])), "malformed", "a frame that is cut off");
  assertEquals(answer(packet(cryptoFrame(HELLO), { size: 1_199 })), "malformed", "a short datagram");
  assertEquals(answer(packet(cryptoFrame(HELLO), { keysFrom: new Uint8Array(8) })), "malformed", "other keys");
  const stranger = packet(cryptoFrame(HELLO, 100), { destination: new Uint8Array(8).fill(1) });
  assertEquals(
    answer(concat([packet(cryptoFrame(HELLO, 0, 100), { size: 300 }), stranger])),
    "malformed",
    "two clients",
  );
  const changed = packet(cryptoFrame(HELLO));
  changed[600] ^= 1;
  assertEquals(answer(changed), "malformed", "a changed byte");
});

Deno.test("QUIC: a token and connection IDs of any length", () => {
  assertEquals(answer(packet(cryptoFrame(HELLO), { token: new Uint8Array(100) })), "www.example.com");
  assertEquals(answer(packet(cryptoFrame(HELLO), { destination: new Uint8Array(20).fill(4) })), "www.example.com");
});

Deno.test("QUIC: other datagrams are none of its", () => {
  assertEquals(answer(new Uint8Array(1_200)), "none", "zeros");
  assertEquals(answer(new Uint8Array(0)), "none", "nothing");
  assertEquals(answer(Uint8Array.of(0x40, 1, 2, 3)), "none", "a short packet");
  const draft = packet(cryptoFrame(HELLO));
  draft[4] = 0x1d;
  assertEquals(answer(draft), "none", "another version");
  const retry = packet(cryptoFrame(HELLO));
  retry[0] = 0xf0;
  assertEquals(answer(retry), "none", "a Retry");
});

Deno.test("QUIC: no datagram throws, and none that was cut or changed shows a name", () => {
  const whole = rfcPacket(1);
  for (let length = 0; length < whole.length; length += 7) answer(whole.subarray(0, length));
  for (let at = 0; at < whole.length; at++) {
    const changed = whole.slice();
    changed[at] ^= 0x80 >> at % 8;
    assertEquals(answer(changed) === "example.com", false, `a changed byte at ${at}`);
  }
});

// ---- admission ----

const DEMAND = { name: "www.example.com", shows: "quic", rule: "www.example.com", ech: false } as const;

function admission() {
  const held = new HeldBytes(10_000);
  let now = 0;
  const quic = new QuicAdmission(DEMAND, held, () => now);
  const judge = (bytes: Uint8Array) => {
    const answer = quic.judge(bytes, 0, bytes.length);
    if (answer.is === "refuse") return answer.verdict.refusal;
    return answer.is === "admit" ? `admit ${answer.datagrams.length}` : answer.is;
  };
  return { held, quic, judge, later: (ms: number) => now += ms };
}

const SHORT = Uint8Array.of(0x43, 1, 2, 3, 4, 5);
const EVIL = clientHello({ names: ["evil.test"] });

Deno.test("QUIC admission: nothing passes before the name is shown, then all of the client's does", () => {
  const { judge, held } = admission();
  assertEquals(judge(SHORT), "no_name", "a short packet first");
  assertEquals(judge(packet(cryptoFrame(HELLO, 100))), "hold");
  assertEquals(held.current, 1_200, "held bytes");
  assertEquals(judge(packet(cryptoFrame(HELLO, 0, 100))), "admit 2");
  assertEquals(held.current, 0, "held bytes afterwards");
  assertEquals(judge(SHORT), "pass");
  assertEquals(judge(packet(cryptoFrame(HELLO))), "pass", "the Initial again");
  const server = new Uint8Array(8).fill(5);
  assertEquals(judge(packet([2, 0, 0, 0, 0], { destination: server, keysFrom: RFC_DESTINATION })), "pass", "an ACK");
  const newer = packet([2, 0, 0, 0, 0], { version: 2, destination: server, keysFrom: RFC_DESTINATION });
  assertEquals(judge(newer), "pass", "an ACK in the version that the server has chosen");
});

Deno.test("QUIC admission: another name is refused, also on a tuple that was admitted", () => {
  const { judge } = admission();
  assertEquals(judge(packet(cryptoFrame(EVIL))), "name_mismatch");
  assertEquals(judge(packet(cryptoFrame(HELLO))), "admit 1");
  const other = { destination: new Uint8Array(8).fill(6) };
  assertEquals(judge(packet(cryptoFrame(EVIL), other)), "name_mismatch", "a second connection");
  assertEquals(judge(packet(cryptoFrame(HELLO), other)), "admit 1", "a second connection of the same name");
  const behind = concat([packet([1], { size: 300 }), packet(cryptoFrame(EVIL), { destination: new Uint8Array(8) })]);
  assertEquals(judge(behind), "malformed", "behind a packet of another client");
  const old = packet(cryptoFrame(EVIL));
  old[4] = 0x1d;
  assertEquals(judge(old), "malformed", "another version");
});

Deno.test("QUIC admission: another ClientHello with the Connection ID that was admitted is refused", () => {
  const { judge } = admission();
  assertEquals(judge(packet(cryptoFrame(HELLO))), "admit 1");
  assertEquals(judge(packet(cryptoFrame(EVIL), { number: 9 })), "malformed", "when the first connection has ended");
  assertEquals(judge(packet(cryptoFrame(EVIL), { version: 2 })), "malformed", "in the other version");
  assertEquals(judge(packet(cryptoFrame(EVIL, 60))), "malformed", "a part of it");
  const coalesced = concat([packet([1], { size: 300 }), packet(cryptoFrame(EVIL), { number: 3 })]);
  assertEquals(judge(coalesced), "malformed", "behind another packet");
  assertEquals(judge(packet(cryptoFrame(HELLO, 40, 90))), "pass", "a part of the first one, sent again");
  assertEquals(judge(packet([0x1c, 0, 0, 0])), "pass", "CONNECTION_CLOSE");
  assertEquals(judge(packet([0x08, 0, 1, 2])), "malformed", "a STREAM frame");
});

Deno.test("QUIC admission: the ClientHello after a HelloRetryRequest must have the same name", () => {
  const second = (hello: Uint8Array) => concat([HELLO, hello]);
  const good = admission(), bad = admission();
  const share = clientHello({ names: ["www.example.com"], alpn: ["h3"], extensions: [[51, new Uint8Array(40)]] });
  for (const { judge } of [good, bad]) assertEquals(judge(packet(cryptoFrame(HELLO))), "admit 1");
  assertEquals(good.judge(packet(cryptoFrame(second(share), HELLO.length))), "pass", "the same name");
  assertEquals(bad.judge(packet(cryptoFrame(second(EVIL), HELLO.length, HELLO.length + 50))), "pass", "a part");
  assertEquals(bad.judge(packet(cryptoFrame(second(EVIL), HELLO.length + 50))), "malformed", "another name");
  assertEquals(bad.judge(packet(cryptoFrame(second(EVIL), HELLO.length + 50))), "malformed", "the same again");
  assertEquals(bad.judge(packet(cryptoFrame(second(EVIL), 50))), "malformed", "together with the first");
});

Deno.test("QUIC admission: after a Retry, the client begins anew", () => {
  const { judge } = admission();
  assertEquals(judge(packet(cryptoFrame(HELLO))), "admit 1");
  const retried = { destination: new Uint8Array(4).fill(8), token: new Uint8Array(60) };
  assertEquals(judge(packet(cryptoFrame(HELLO), retried)), "admit 1");
  assertEquals(judge(SHORT), "pass");
});

Deno.test("QUIC admission: what is held is bounded in bytes and in time", () => {
  const { judge, held, later } = admission();
  const half = packet(cryptoFrame(HELLO, 100));
  assertEquals(judge(half), "hold");
  later(HELD_MS + 1);
  assertEquals(judge(packet(cryptoFrame(HELLO, 0, 100))), "hold", "the first half is forgotten");
  assertEquals(held.current, 1_200, "held bytes");
  const full = new QuicAdmission(DEMAND, new HeldBytes(1_000), () => 0);
  const answer = full.judge(half, 0, half.length);
  assertEquals(answer.is === "refuse" && answer.verdict.refusal, "limit");
});
