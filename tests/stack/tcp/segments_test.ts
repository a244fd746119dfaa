import { assert, assertEquals, assertFields } from "../../assert.ts";
import { seqAdd } from "../../../stack/tcp/numbers/sequence.ts";
import { ACK, FIN, RST, SYN } from "../../../stack/wire/tcp.ts";
import { type Fields, flagNames, GUEST_PORT, HOST_PORT, Peer, type PeerOptions, quiet } from "./bed/peer.ts";

/** A segment that arrives at an established connection, and its consequences. */
interface Case {
  readonly what: string;
  readonly options?: PeerOptions;
  readonly segment: (peer: Peer) => Fields;
  /** Answered with an acknowledgment at once. */
  readonly answered: boolean;
  /** Bytes that the user receives. */
  readonly received?: number;
  readonly failure?: "reset";
}

/** Beyond the window that the TCP layer advertises at the start. */
const FAR = 1_000_000;

const CASES: readonly Case[] = [
  { what: "data", segment: () => ({ flags: ACK, length: 10 }), answered: false, received: 10 },
  { what: "two full segments in one", segment: () => ({ flags: ACK, length: 2920 }), answered: true, received: 2920 },
  {
    what: "data after a gap",
    segment: (peer) => ({ flags: ACK, length: 10, sequence: seqAdd(peer.nxt, 1) }),
    answered: true,
  },
  {
    what: "partly duplicate data",
    segment: (peer) => ({ flags: ACK, length: 10, sequence: seqAdd(peer.nxt, -5) }),
    answered: true,
    received: 5,
  },
  {
    what: "duplicate data",
    segment: (peer) => ({ flags: ACK, length: 10, sequence: seqAdd(peer.nxt, -10) }),
    answered: true,
  },
  {
    what: "data beyond the window",
    segment: (peer) => ({ flags: ACK, length: 10, sequence: seqAdd(peer.nxt, FAR) }),
    answered: true,
  },
  { what: "data without ACK", segment: () => ({ flags: 0, length: 10 }), answered: false },
  { what: "a pure acknowledgment", segment: () => ({ flags: ACK }), answered: false },
  {
    what: "an acknowledgment of unsent data",
    segment: (peer) => ({ flags: ACK, length: 10, acknowledgment: seqAdd(peer.seen, 1) }),
    answered: true,
  },
  {
    what: "an old acknowledgment with new data",
    segment: (peer) => ({ flags: ACK, length: 10, acknowledgment: seqAdd(peer.seen, -1000) }),
    answered: false,
    received: 10,
  },
  {
    what: "an acknowledgment older than the largest window",
    segment: (peer) => ({ flags: ACK, length: 10, acknowledgment: seqAdd(peer.seen, -65_536) }),
    answered: true,
  },
  { what: "RST, exact", segment: () => ({ flags: RST }), answered: false, failure: "reset" },
  {
    what: "RST with ACK, exact",
    segment: () => ({ flags: RST | ACK, acknowledgment: 0 }),
    answered: false,
    failure: "reset",
  },
  {
    what: "RST in the window",
    segment: (peer) => ({ flags: RST, sequence: seqAdd(peer.nxt, 1) }),
    answered: true,
  },
  {
    what: "RST before the window",
    segment: (peer) => ({ flags: RST, sequence: seqAdd(peer.nxt, -1) }),
    answered: false,
  },
  {
    what: "RST beyond the window",
    segment: (peer) => ({ flags: RST, sequence: seqAdd(peer.nxt, FAR) }),
    answered: false,
  },
  { what: "SYN in the window", segment: (peer) => ({ flags: SYN, sequence: seqAdd(peer.nxt, 5) }), answered: true },
  { what: "the old SYN", segment: (peer) => ({ flags: SYN, sequence: peer.iss }), answered: true },
  { what: "SYN far away", segment: (peer) => ({ flags: SYN, sequence: seqAdd(peer.nxt, -FAR) }), answered: true },
  { what: "SYN with ACK", segment: () => ({ flags: SYN | ACK }), answered: true },
  {
    what: "a keepalive probe",
    segment: (peer) => ({ flags: ACK, sequence: seqAdd(peer.nxt, -1) }),
    answered: true,
  },
  {
    what: "no timestamps although agreed",
    options: { timestamps: true },
    segment: () => ({ flags: ACK, length: 10, timestamp: null }),
    answered: false,
  },
  {
    what: "an old timestamp (PAWS)",
    options: { timestamps: true },
    segment: (peer) => ({ flags: ACK, length: 10, timestamp: peer.timestamp - 1 }),
    answered: true,
  },
  {
    what: "an old timestamp that has the upper bit set",
    options: { timestamps: true, iss: 77 },
    segment: (peer) => ({ flags: ACK, length: 10, timestamp: (peer.timestamp - 2 ** 30) | 0 }),
    answered: true,
  },
  {
    what: "RST with an old timestamp",
    options: { timestamps: true },
    segment: (peer) => ({ flags: RST, timestamp: peer.timestamp - 100 }),
    answered: false,
    failure: "reset",
  },
  {
    what: "RST without timestamps",
    options: { timestamps: true },
    segment: () => ({ flags: RST }),
    answered: false,
    failure: "reset",
  },
  {
    what: "timestamps although not agreed",
    segment: () => ({ flags: ACK, length: 10, timestamp: 5 }),
    answered: false,
    received: 10,
  },
];

for (const base of [1000, 2 ** 31 - 1, 2 ** 32 - 2]) {
  for (const { what, options = {}, segment, answered, received = 0, failure } of CASES) {
    Deno.test(`ESTABLISHED, sequence numbers from ${base}: ${what}`, () => {
      const peer = new Peer({ ...options, iss: base });
      const user = quiet();
      const connection = peer.opened(user);
      peer.send(segment(peer));
      const log = peer.take();
      assertEquals(log.map(({ flags }) => flags), answered ? ["ACK"] : []);
      for (const { sequence, acknowledgment } of log) {
        assertEquals(sequence, peer.seen, "sequence");
        assertEquals(acknowledgment, seqAdd(peer.nxt, received), "acknowledgment");
      }
      assertFields(user, { received, failure });
      assertEquals(connection.state, failure ? "CLOSED" : "ESTABLISHED");
      if (failure) peer.assertGone();
    });
  }
}

Deno.test("timestamps from the upper half of their range are echoed and guard against old segments", () => {
  const peer = new Peer({ timestamps: true });
  peer.timestampBase = 0x90000000;
  const user = quiet();
  peer.opened(user);
  peer.pass(5);
  peer.data(3000);
  assertEquals(peer.one().echo, peer.timestamp);
  peer.send({ flags: ACK, length: 10, timestamp: (peer.timestamp - 1) | 0 });
  assertEquals(user.received, 3000);
});

Deno.test("segments that belong to no connection are answered with RST", () => {
  const cases: [Fields, string, number, number][] = [
    [{ flags: ACK, sequence: 5, acknowledgment: 77, length: 3 }, "RST", 77, 0],
    [{ flags: SYN | ACK, sequence: 5, acknowledgment: -3 }, "RST", -3, 0],
    [{ flags: FIN | ACK, sequence: 5, acknowledgment: 0 }, "RST", 0, 0],
    [{ flags: 0, sequence: 5, length: 3 }, "RST ACK", 0, 8],
    [{ flags: FIN, sequence: -1, length: 3 }, "RST ACK", 0, 3],
    [{ flags: 0, sequence: 2 ** 31 - 1, length: 1 }, "RST ACK", 0, 2 ** 31 | 0],
  ];
  for (const [fields, flags, sequence, acknowledgment] of cases) {
    for (const version of [4, 6] as const) {
      const peer = new Peer({ version });
      peer.send(fields);
      const answer = peer.one();
      assertFields(answer, { flags, sequence, acknowledgment });
      assertFields(answer, { sourcePort: HOST_PORT, destinationPort: GUEST_PORT });
      assertEquals(answer.window, 0);
    }
  }
  const peer = new Peer();
  for (const flags of [RST, RST | ACK, RST | SYN]) peer.send({ flags });
  assertEquals(peer.flags(), []);
  peer.assertGone();
});

Deno.test("malformed segments are counted and dropped", () => {
  const peer = new Peer();
  peer.host.receive(peer.build({ flags: SYN }).slice(0, 35));
  peer.send({ flags: SYN, hostPort: 0 });
  assertEquals(peer.flags(), [], "segments sent");
  assertEquals(peer.host.tcp.counters.malformed, 2, "malformed");
  assertEquals(peer.host.tcp.requests, 0, "requests");
});

Deno.test("acknowledgments for empty segments outside the window are rate-limited", () => {
  const peer = new Peer();
  peer.opened(quiet());
  for (let i = 0; i < 10; i++) peer.ack({ sequence: seqAdd(peer.nxt, -1) });
  assertEquals(peer.flags(), ["ACK"]);
  peer.pass(500);
  peer.ack({ sequence: seqAdd(peer.nxt, -1) });
  assertEquals(peer.flags(), ["ACK"]);
});

Deno.test("SACK blocks report received ranges, the newest first: three with timestamps, four without", () => {
  for (const [timestamps, most] of [[false, 4], [true, 3]] as const) {
    const peer = new Peer({ sack: true, timestamps });
    const user = quiet();
    peer.opened(user);
    const start = peer.nxt;
    const blocks: [number, number][] = [];
    for (let i = 1; i <= 6; i++) {
      const left = seqAdd(start, 1000 * i);
      peer.send({ flags: ACK, sequence: left, length: 100 });
      blocks.unshift([left, seqAdd(left, 100)]);
      assertEquals(peer.one().sack, blocks.slice(0, most));
    }
    peer.send({ flags: ACK, sequence: start, length: 6100 });
    assertEquals(peer.one().sack, []);
    assertEquals(user.received, 6100);
  }
});

Deno.test("no SACK blocks for a guest without SACK", () => {
  const peer = new Peer();
  peer.opened(quiet());
  peer.send({ flags: ACK, sequence: seqAdd(peer.nxt, 10), length: 100 });
  assertEquals(peer.one().sack, []);
});

Deno.test("names of the control bits", () => {
  assertEquals(flagNames(SYN | ACK | FIN | RST), "SYN FIN RST ACK");
  assert(flagNames(0) === "");
});
