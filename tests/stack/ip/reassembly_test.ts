import { assertEquals, assertFields } from "../../assert.ts";
import { MAX_FRAGMENTS } from "../../../stack/ip/datagram.ts";
import {
  be16,
  checksummed,
  concat,
  GUEST6,
  hex,
  ipv4,
  ipv6,
  REMOTE6,
  toHex,
  udp,
} from "../../../scripts/lab/packets.ts";
import { Bed, type BedOptions } from "../bed.ts";

const DATA = Uint8Array.from({ length: 3000 }, (_, i) => i * 7 + (i >> 8));
const WHOLE4 = udp(5000, 53, DATA);
const WHOLE6 = checksummed(WHOLE4, 6, 17, GUEST6, REMOTE6);

/** The IP version under test, and its fragments. */
interface Version {
  readonly name: string;
  readonly whole: Uint8Array;
  /** The bytes `start..end` of the datagram; `id` identifies the datagram. */
  fragment(start: number, end: number, more?: boolean, id?: number): Uint8Array;
}

const VERSIONS: readonly Version[] = [
  {
    name: "IPv4",
    whole: WHOLE4,
    fragment: (start, end, more = end < WHOLE4.length, id = 7) =>
      ipv4(
        { protocol: 17, identification: id, fragment: (more ? 0x2000 : 0) | start >> 3 },
        WHOLE4.slice(start, end),
      ),
  },
  {
    name: "IPv6",
    whole: WHOLE6,
    fragment: (start, end, more = end < WHOLE6.length, id = 7) =>
      ipv6(44, concat([17, 0, ...be16(start | (more ? 1 : 0)), 0, 0, ...be16(id)], WHOLE6.slice(start, end))),
  },
];

const counters = (bed: Bed, version: Version) =>
  version.name === "IPv4" ? bed.stack.counters.ipv4 : bed.stack.counters.ipv6;

/** Asserts that the whole datagram was passed to the user `times` times, and that nothing is left. */
function assertWhole(bed: Bed, times = 1): void {
  assertEquals(bed.datagrams.length, times);
  for (const { data } of bed.datagrams) assertEquals(toHex(data), toHex(DATA));
  assertFields(bed.stack, { reassembling: 0, nextDeadline: Infinity });
  assertEquals(bed.frames.taken, 0, "frames taken");
}

const CUTS = [0, 1024, 1040, 2000, 2504, 3008];

for (const version of VERSIONS) {
  const { name, fragment } = version;
  const pieces = () => CUTS.slice(1).map((end, i) => fragment(CUTS[i], end));
  const test = (what: string, run: (bed: Bed) => void, options: BedOptions = {}) =>
    Deno.test(`${name} fragments: ${what}`, () => run(new Bed(options)));

  test("in order", (bed) => {
    for (const piece of pieces()) bed.feed(piece);
    assertWhole(bed);
    assertEquals(counters(bed, version).reassembled, 1);
  });

  test("in reverse", (bed) => {
    for (const piece of pieces().reverse()) bed.feed(piece);
    assertWhole(bed);
  });

  test("in every order", (bed) => {
    const all = pieces();
    const permute = (left: Uint8Array[], done: Uint8Array[]): Uint8Array[][] =>
      left.length === 0 ? [done] : left.flatMap((piece, i) => permute(left.toSpliced(i, 1), [...done, piece]));
    const orders = permute(all, []);
    for (const order of orders) for (const piece of order) bed.feed(piece);
    assertWhole(bed, orders.length);
  });

  test("twice each", (bed) => {
    const all = pieces();
    for (const piece of all.slice(0, -1)) {
      bed.feed(piece);
      bed.feed(piece);
    }
    bed.feed(all[all.length - 1]);
    assertWhole(bed);
    assertEquals(counters(bed, version).fragmentsDropped, all.length - 1);
  });

  test("of several datagrams at once", (bed) => {
    for (const [start, end] of [[0, 1600], [1600, 3008]]) {
      for (let id = 1; id <= 5; id++) bed.feed(fragment(start, end, undefined, id));
    }
    assertWhole(bed, 5);
  });

  const conflicts: [string, Uint8Array[]][] = [
    ["overlap at the beginning", [fragment(0, 1024), fragment(1016, 3008)]],
    ["overlap at the end", [fragment(1024, 2048), fragment(0, 1032)]],
    ["contained in one", [fragment(0, 2048), fragment(8, 16)]],
    ["containing one", [fragment(1024, 1040), fragment(0, 2048)]],
    ["the same beginning, shorter", [fragment(0, 1024), fragment(0, 1016)]],
    ["after the end", [fragment(1024, 2048, false), fragment(2048, 3008, true)]],
    ["an end before others", [fragment(1024, 2048), fragment(8, 1024, false)]],
    ["a second end", [fragment(1024, 2048, false), fragment(2048, 3008, false)]],
    ["a duplicate of the last fragment that is no longer the last", [
      fragment(1024, 2048, false),
      fragment(1024, 2048, true),
    ]],
  ];
  for (const [what, fragments] of conflicts) {
    test(`conflict: ${what}`, (bed) => {
      for (const piece of fragments) bed.feed(piece);
      const count = counters(bed, version);
      assertEquals(count.reassemblyConflicts, 1, "reassembly conflicts");
      assertEquals(bed.frames.taken, 0, "frames taken");
      for (const piece of pieces()) bed.feed(piece); // the rest of it is dropped too (RFC 5722, section 4)
      assertEquals(bed.datagrams.length, 0, "datagrams");
      assertEquals(bed.stack.reassembling, 1, "packets in reassembly");
      bed.pass(60_000);
      assertEquals(bed.stack.reassembling, 0, "packets in reassembly");
      assertEquals(bed.takeSent().length, 0, "frames sent");
      assertEquals(count.reassemblyTimeouts, 0, "reassembly timeouts");
      for (const piece of pieces()) bed.feed(piece);
      assertWhole(bed);
    });
  }

  test("too many of one datagram", (bed) => {
    for (let i = 1; i <= MAX_FRAGMENTS + 1; i++) bed.feed(fragment(8 * i, 8 * i + 8));
    assertEquals(counters(bed, version).reassemblyConflicts, 1, "reassembly conflicts");
    assertEquals(bed.frames.taken, 0, "frames taken");
  });

  test("as many of one datagram as allowed", (bed) => {
    for (let i = 0; i < MAX_FRAGMENTS - 1; i++) bed.feed(fragment(8 * i, 8 * i + 8));
    bed.feed(fragment(8 * MAX_FRAGMENTS - 8, 3008));
    assertWhole(bed);
  });

  test("of more datagrams than the limit: the oldest goes", (bed) => {
    for (let id = 1; id <= 5; id++) bed.feed(fragment(0, 1024, true, id));
    assertEquals(bed.stack.reassembling, 4, "packets in reassembly");
    assertEquals(bed.frames.taken, 4, "frames taken");
    assertEquals(counters(bed, version).reassemblyEvicted, 1);
    for (let id = 2; id <= 5; id++) bed.feed(fragment(1024, 3008, false, id));
    assertWhole(bed, 4);
  }, { limits: { reassembly: { datagrams: 4 } } });

  test("nonsense is dropped", (bed) => {
    bed.feed(fragment(0, 1023, true)); // not the last, and not a multiple of 8
    bed.feed(fragment(8, 8, true)); // empty
    assertEquals(counters(bed, version).fragmentsDropped, 2, "fragments dropped");
    assertEquals(bed.stack.reassembling, 0, "packets in reassembly");
  });

  test("the time is over: the sender is told if the first fragment came", (bed) => {
    const timeout = name === "IPv4" ? 30_000 : 60_000;
    bed.feed(fragment(0, 1024, true, 1));
    bed.pass(1000);
    bed.feed(fragment(1024, 3008, false, 2)); // no first one
    bed.pass(timeout - 1001);
    assertEquals(bed.takeSent(), []);
    bed.pass(1);
    const error = bed.takeOne();
    const header = name === "IPv4" ? 20 : 40;
    assertEquals({ type: error[header], code: error[header + 1] }, { type: name === "IPv4" ? 11 : 3, code: 1 });
    const quoted = error.length - header - 8;
    assertEquals(toHex(error.slice(header + 8)), toHex(fragment(0, 1024, true, 1).slice(0, quoted)));
    bed.pass(1000);
    assertEquals(bed.takeSent().length, 0, "frames sent");
    assertEquals(bed.stack.reassembling, 0, "packets in reassembly");
    assertEquals(bed.frames.taken, 0, "frames taken");
    assertEquals(counters(bed, version).reassemblyTimeouts, 2);
    bed.feed(fragment(1024, 3008, false, 1));
    assertEquals(bed.datagrams.length, 0);
  });

  test("closing gives the buffers back", (bed) => {
    bed.feed(fragment(0, 1024));
    bed.stack.close();
    assertEquals(bed.frames.taken, 0, "frames taken");
    assertEquals(bed.stack.nextDeadline, Infinity, "next deadline");
  });
}

Deno.test("IPv4: datagrams with one identification but other addresses or protocols are kept apart", () => {
  const bed = new Bed();
  const piece = (source: number[], protocol: number) =>
    ipv4({ protocol, identification: 7, fragment: 0x2000, source }, WHOLE4.slice(0, 800));
  bed.feed(piece([10, 0, 2, 100], 17));
  bed.feed(piece([10, 0, 2, 101], 17));
  bed.feed(piece([10, 0, 2, 100], 6));
  bed.feed(piece([10, 0, 2, 100], 17));
  assertEquals(bed.stack.reassembling, 3, "packets in reassembly");
  assertEquals(bed.stack.counters.ipv4.fragmentsDropped, 1, "ipv4.fragmentsDropped");
});

Deno.test("IPv4: the first fragment's options are kept, and the header describes the whole datagram", () => {
  let header = "";
  const bed = new Bed({
    udp: ({ packet }) => header = toHex(packet.bytes.slice(packet.header, packet.payload)),
  });
  const options = [0x94, 4, 0, 0];
  bed.feed(ipv4({ protocol: 17, identification: 7, fragment: 100 }, WHOLE4.slice(800)));
  bed.feed(ipv4({ protocol: 17, identification: 7, fragment: 0x2000, options }, WHOLE4.slice(0, 800)));
  assertEquals(header, toHex(ipv4({ protocol: 17, identification: 7, options }, WHOLE4).slice(0, 24)));
});

Deno.test("IPv4: fragments that exceed the maximum packet size are dropped", () => {
  const bed = new Bed();
  const large = udp(5000, 53, new Uint8Array(65_507));
  const feed = (start: number, end: number, options: number[] = []) =>
    bed.feed(ipv4(
      { protocol: 17, fragment: (end < 65_515 ? 0x2000 : 0) | start >> 3, options },
      large.slice(start, end),
    ));
  const cut = 32_768;
  feed(0, cut);
  feed(cut, 65_515);
  assertEquals(bed.datagrams.map(({ data }) => data.length), [65_507]);
  feed(0, cut, [1, 1, 1, 0]); // with options in the first fragment it would be 65,539 bytes
  feed(cut, 65_515);
  assertEquals(bed.datagrams.length, 1, "datagrams");
  assertEquals(bed.stack.counters.ipv4.malformed, 1, "ipv4.malformed");
  assertEquals(bed.frames.taken, 0, "frames taken");
  bed.feed(ipv4({ protocol: 17, fragment: 8191 }, new Uint8Array(8))); // ends at 65,536
  assertEquals(bed.stack.counters.ipv4.fragmentsDropped, 1, "ipv4.fragmentsDropped");
  assertEquals(bed.stack.reassembling, 0, "packets in reassembly");
});

Deno.test("IPv6: a datagram of a Linux kernel in three fragments", () => {
  const bed = new Bed();
  const header = (length: string) => `6008d5b3 ${length} 2c 40 ${GUEST6} ${REMOTE6}`;
  const a = (count: number) => new Uint8Array(count).fill(0x41);
  bed.feed(concat(hex(`${header("05b0")} 1100 0001 7e80e735  bef3 0009 0bc0 a356`), a(1440)));
  bed.feed(concat(hex(`${header("05b0")} 1100 05a9 7e80e735`), a(1448)));
  bed.feed(concat(hex(`${header("0078")} 1100 0b50 7e80e735`), a(112)));
  assertEquals(bed.datagrams, [{ from: "fd00::100 48883", to: "2001:db8::7 9", data: a(3000) }]);
});

Deno.test("IPv6: extension headers before and in the fragmentable part", () => {
  const bed = new Bed();
  const hopByHop = hex("2c00 0104 00000000");
  const whole = concat(hex("1100 0104 00000000"), WHOLE6); // destination options, then UDP
  const fragment = (start: number, end: number) =>
    ipv6(
      0,
      concat(hopByHop, [60, 0, ...be16(start | (end < whole.length ? 1 : 0)), 0, 0, 0, 9], whole.slice(start, end)),
    );
  bed.feed(fragment(1600, whole.length));
  bed.feed(fragment(0, 1600));
  assertWhole(bed);
});

Deno.test("IPv6: an atomic fragment needs no reassembly", () => {
  const bed = new Bed();
  const small = checksummed(udp(5000, 53, [1, 2, 3]), 6, 17, GUEST6, REMOTE6);
  const atomic = ipv6(44, concat(hex("1100 0000 00000007"), small));
  bed.feed(VERSIONS[1].fragment(0, 1024)); // the same identification makes no difference (RFC 6946)
  bed.feed(atomic);
  assertEquals(bed.datagrams.length, 1);
  assertEquals(bed.stack.reassembling, 1);
});

Deno.test("IPv6: a fragment within a fragment is dropped", () => {
  const bed = new Bed();
  const inner = concat(hex("1100 0000 00000008"), udp(5000, 53, [1]));
  bed.feed(ipv6(44, concat(hex("2c00 0000 00000007"), inner)));
  assertEquals(bed.datagrams.length, 0, "datagrams");
  assertEquals(bed.stack.counters.ipv6.extensions, 1, "ipv6.extensions");
});

Deno.test("IPv6: invalid fragments are answered with a parameter problem", () => {
  const bed = new Bed();
  const told = () => {
    const error = bed.takeOne();
    return [error[40], error[41], toHex(error.slice(44, 48))];
  };
  bed.feed(VERSIONS[1].fragment(0, 1023, true)); // not a multiple of 8: the payload length is wrong
  assertEquals(told(), [4, 0, "00000004"]);
  bed.feed(VERSIONS[1].fragment(65_528, 65_536, false)); // empty
  bed.feed(ipv6(44, concat(hex("1100 fff8 00000007"), new Uint8Array(8)))); // beyond 65,535, but not the first
  assertEquals(bed.takeSent().length, 0, "frames sent");
  assertEquals(bed.stack.counters.ipv6.fragmentsDropped, 3, "ipv6.fragmentsDropped");
  bed.feed(ipv6(44, hex("3c00 0001 00000007  1101 0104 00000000"))); // the header chain is cut (RFC 7112)
  assertEquals(told(), [4, 3, "00000000"]);
  assertEquals(bed.stack.reassembling, 0);
});
