import { assert, assertEquals, assertFields } from "../../assert.ts";
import { put32 } from "../../../stack/base/bytes.ts";
import {
  ACK,
  FIN,
  PSH,
  putHeader,
  putMaximumSegmentSize,
  putSackHead,
  putSackPermitted,
  putTimestamps,
  putWindowScale,
  RST,
  Segment,
  SYN,
  TCP_HEADER,
} from "../../../stack/wire/tcp.ts";
import { concat, hex, toHex } from "../../../scripts/lab/packets.ts";

/** A SYN with all options, as Linux sends it. */
const SYN_BYTES = hex(`
  9c40 0050   # ports 40000, 80
  89abcdef    # sequence number
  00000000
  a0 02 faf0  # 40 bytes, SYN, window 64240
  0000 0000
  0204 05b4   # MSS 1460
  0402        # SACK permitted
  080a 11223344 00000000  # timestamps
  01 0303 07  # NOP, window scale 7
`);

/** An acknowledgment with timestamps, three SACK blocks, PSH and 3 bytes of data. */
const SACK_BYTES = hex(`
  0050 9c40 fffffffe 80000001
  f0 18 ffff 1234 0000
  01 01 080a 80000000 ffffffff
  01 01 05 1a 80000011 80000021 fffffff0 00000010 00000100 00000200
  616263
`);

function parsed(bytes: Uint8Array): Segment {
  const segment = new Segment();
  const shifted = concat([0xee, 0xee, 0xee], bytes, [0xee]);
  assert(segment.parse(shifted, 3, 3 + bytes.length));
  return segment;
}

Deno.test("a SYN with all options, dissected", () => {
  const segment = parsed(SYN_BYTES);
  assertFields(segment, { sourcePort: 40_000, destinationPort: 80 });
  assertFields(segment, { sequence: 0x89abcdef | 0, acknowledgment: 0, window: 64_240 });
  assert(segment.has(SYN) && !segment.has(ACK | FIN | RST | PSH));
  assertFields(segment, { data: 43, length: 0, sequenceLength: 1 });
  assertFields(segment, { maximumSegmentSize: 1460, windowShift: 7, sackPermitted: true });
  assertFields(segment, { hasTimestamps: true, timestamp: 0x11223344, timestampEcho: 0 });
  assertEquals(segment.sackCount, 0);
});

Deno.test("SACK blocks, timestamps and data, dissected", () => {
  const segment = parsed(SACK_BYTES);
  assertFields(segment, { sequence: -2, acknowledgment: 0x80000001 | 0 });
  assert(segment.has(ACK) && segment.has(PSH));
  assertFields(segment, { data: 63, length: 3, sequenceLength: 3 });
  assertFields(segment, { timestamp: 0x80000000 | 0, timestampEcho: -1 });
  assertEquals(segment.sackCount, 3);
  assertEquals([...segment.sackEdges.subarray(0, 6)].map((edge) => edge >>> 0), [
    0x80000011,
    0x80000021,
    0xfffffff0,
    0x10,
    0x100,
    0x200,
  ]);
});

Deno.test("parsing clears the fields of the previous segment", () => {
  const segment = new Segment();
  assert(segment.parse(SYN_BYTES, 0, SYN_BYTES.length));
  assert(segment.parse(SACK_BYTES, 0, SACK_BYTES.length));
  assertFields(segment, { maximumSegmentSize: 0, windowShift: -1, sackPermitted: false });
  const plain = SYN_BYTES.slice(0, TCP_HEADER);
  plain[12] = 0x50;
  assert(segment.parse(plain, 0, plain.length));
  assertFields(segment, { hasTimestamps: false, sackCount: 0, length: 0 });
});

Deno.test("SYN, data and FIN count in sequence space", () => {
  for (const [flags, length] of [[ACK, 3], [SYN, 4], [FIN | ACK, 4], [SYN | FIN, 5], [RST, 3]] as const) {
    const bytes = SACK_BYTES.slice();
    bytes[13] = flags;
    assertEquals(parsed(bytes).sequenceLength, length);
  }
});

/** A header with these options, padded with zeros. */
function withOptions(options: string): Uint8Array {
  const bytes = hex(options);
  const padded = concat(bytes, new Uint8Array(-bytes.length & 3));
  return concat(hex(`9c400050 00000001 00000002 ${(5 + padded.length / 4).toString(16)}010 0000 00000000`), padded);
}

Deno.test("malformed headers are refused", () => {
  const cases: [string, Uint8Array][] = [
    ["nothing", new Uint8Array(0)],
    ["19 bytes", SYN_BYTES.slice(0, 19)],
    ["options cut off", SYN_BYTES.slice(0, 39)],
    ["a header length of 16", concat(SYN_BYTES.slice(0, 12), [0x40], SYN_BYTES.slice(13))],
    ["a header length of 0", concat(SYN_BYTES.slice(0, 12), [0x00], SYN_BYTES.slice(13))],
    ["a header longer than the segment", concat(SYN_BYTES.slice(0, 12), [0xb0], SYN_BYTES.slice(13))],
    ["source port 0", concat([0, 0], SYN_BYTES.slice(2))],
    ["destination port 0", concat(SYN_BYTES.slice(0, 2), [0, 0], SYN_BYTES.slice(4))],
  ];
  const segment = new Segment();
  for (const [what, bytes] of cases) {
    // bytes behind the segment in the buffer must not be taken for a part of it
    assertEquals(segment.parse(concat(bytes, new Uint8Array(64).fill(0x55)), 0, bytes.length), false, what);
  }
});

Deno.test("options: a broken length ends the list, an option of unexpected length is skipped", () => {
  interface Seen {
    mss?: number;
    shift?: number;
    sackPermitted?: boolean;
    timestamps?: boolean;
    blocks?: number;
  }
  const cases: [string, string, Seen][] = [
    ["length 0", "0200 020405b4", {}],
    ["length 1", "0201 020405b4", {}],
    ["a kind without length at the end", "020405b4 01010103", { mss: 1460 }],
    ["longer than the list", "020405b4 080b0000", { mss: 1460 }],
    ["the end of the list", "00 020405b4", {}],
    ["NOPs", "01010101 020405b4", { mss: 1460 }],
    ["an unknown kind", "fe04abcd 020405b4", { mss: 1460 }],
    ["an MSS of the wrong length", "020305 0402", { sackPermitted: true }],
    ["a window scale of the wrong length", "03040700 0402", { sackPermitted: true }],
    ["SACK permitted of the wrong length", "04030001 020405b4", { mss: 1460 }],
    ["timestamps of the wrong length", "0809 00000001 000000 0402", { sackPermitted: true }],
    ["SACK without blocks", "0502 0402", { sackPermitted: true }],
    ["SACK with half a block", "0506 00000001 0402", { sackPermitted: true }],
    ["SACK with a block and a half", "050e 00000001 00000002 00000003 0402", { sackPermitted: true }],
    ["SACK with four blocks", "0522" + "0000000100000002".repeat(4), { blocks: 4 }],
    ["a window scale of 14", "03030e", { shift: 14 }],
    ["a window scale above 14 counts as 14", "03030f", { shift: 14 }],
    ["a window scale of 255", "0303ff", { shift: 14 }],
    ["a window scale of 0", "030300", { shift: 0 }],
    ["the last of two", "020405b4 02040200", { mss: 512 }],
  ];
  for (const [what, options, seen] of cases) {
    const segment = parsed(withOptions(options));
    assertFields(segment, {
      maximumSegmentSize: seen.mss ?? 0,
      windowShift: seen.shift ?? -1,
      sackPermitted: seen.sackPermitted ?? false,
      hasTimestamps: seen.timestamps ?? false,
      sackCount: seen.blocks ?? 0,
    }, what);
  }
});

Deno.test("a SYN with all options, built", () => {
  const bytes = new Uint8Array(3 + 40).fill(0xee);
  let at = putMaximumSegmentSize(bytes, 3 + TCP_HEADER, 1460);
  at = putSackPermitted(bytes, at);
  at = putTimestamps(bytes, at, 0x91223344, -1);
  assertEquals(at, 3 + 40);
  putHeader(bytes, 3, 40_000, 80, 0x89abcdef | 0, 0, SYN, 64_240, at - 3);
  assertEquals(
    toHex(bytes),
    "eeeeee" + "9c400050" + "89abcdef" + "00000000" + "a002faf0" + "00000000" +
      "020405b4" + "01010402" + "0101080a91223344ffffffff",
  );
});

Deno.test("an acknowledgment with SACK blocks and a window scale option, built and dissected again", () => {
  const bytes = new Uint8Array(TCP_HEADER + 4 + 4 + 16);
  let at = putWindowScale(bytes, TCP_HEADER, 9);
  at = putSackHead(bytes, at, 2);
  for (const edge of [-16, 16, 100, 200]) put32(bytes, at, edge), at += 4;
  putHeader(bytes, 0, 1, 65_535, -1, 0x7fffffff, ACK | FIN, 65_535, at);
  assertEquals(
    toHex(bytes),
    "0001ffff" + "ffffffff" + "7fffffff" + "b011ffff" + "00000000" + "01030309" + "01010512" +
      "fffffff000000010" + "00000064000000c8",
  );
  const segment = parsed(bytes);
  assertFields(segment, { sourcePort: 1, destinationPort: 65_535, windowShift: 9 });
  assertEquals([...segment.sackEdges.subarray(0, 4)], [-16, 16, 100, 200]);
});
