import { assert, assertEquals } from "../../assert.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { allocatePlain, Transmit, TRANSPORT_AT } from "../../../stack/base/device.ts";
import {
  addSums,
  complement,
  partialSum,
  pseudoHeaderSum,
  pseudoHeaderSumOf,
  swapSum,
  transmitSum,
  transportChecksumOk,
} from "../../../stack/wire/checksum.ts";
import { hex, referenceChecksum } from "../../../scripts/lab/packets.ts";

function pattern(length: number): Uint8Array {
  let state = 12345;
  return Uint8Array.from({ length }, () => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 23);
}

Deno.test("the example of RFC 1071, section 3", () => {
  assertEquals(partialSum(hex("0001 f203 f4f5 f6f7"), 0, 8), 0xddf2);
});

Deno.test("an odd byte at the end counts as the upper half of a word", () => {
  assertEquals(partialSum(hex("0001 f2"), 0, 3), 0xf201);
});

Deno.test("the word-wise sum equals the plain sum for every alignment and length", () => {
  const bytes = pattern(600);
  for (let offset = 0; offset < 9; offset++) {
    for (let length = 0; length < 300; length++) {
      const expected = referenceChecksum(bytes.subarray(offset, offset + length));
      assertEquals(complement(partialSum(bytes, offset, length)), expected, `${offset}+${length}`);
    }
  }
});

Deno.test("a view that does not start at its buffer's start", () => {
  const buffer = pattern(500);
  for (let start = 0; start < 8; start++) {
    const view = new Uint8Array(buffer.buffer, start, 400);
    assertEquals(complement(partialSum(view, 3, 390)), referenceChecksum(view.slice(3, 393)));
  }
});

Deno.test("64 KiB of the largest words don't overflow", () => {
  const ones = new Uint8Array(65_664).fill(0xff);
  for (const length of [65_535, 65_536, 65_664]) {
    assertEquals(complement(partialSum(ones, 0, length)), referenceChecksum(ones.slice(0, length)));
  }
  const high = pattern(65_535).map((byte) => byte | 0xf0);
  assertEquals(complement(partialSum(high, 0, 65_535)), referenceChecksum(high));
});

Deno.test("the sum of a piece at an odd position has its bytes swapped", () => {
  const bytes = pattern(101);
  const sum = addSums(partialSum(bytes, 0, 33), swapSum(partialSum(bytes, 33, 68)));
  assertEquals(complement(sum), referenceChecksum(bytes));
});

Deno.test("a payload sums to the same in odd pieces as in one", () => {
  const transmit = new Transmit(allocatePlain);
  const bytes = pattern(2000);
  transmit.begin(8);
  transmit.head.bytes.set(bytes.subarray(0, 8), TRANSPORT_AT);
  let at = 8;
  for (const length of [1, 0, 7, 64, 333, 2, 129, 500, 1, 955]) {
    const block = allocatePlain(length + 3);
    block.bytes.set(bytes.subarray(at, at + length), 3);
    transmit.addPart(block, 3, length);
    at += length;
  }
  assertEquals(at, 2000);
  assertEquals(complement(transmitSum(transmit, TRANSPORT_AT)), referenceChecksum(bytes));
});

// UDP datagrams that a Linux kernel sent, IP header included
const UDP4 = hex(`
  45000021 1f554000 4011e4d8 0a000264 c6336407  # IPv4: length 33, DF, TTL 64, UDP, 10.0.2.100 > 198.51.100.7
  9a2b 0035 000d eb02 68656c6c6f                # 39467 > 53, length 13, checksum, "hello"
`);
const UDP6 = hex(`
  6004131b 000d 11 40                           # IPv6: payload 13, UDP, hop limit 64
  fd000000000000000000000000000100              # fd00::100
  20010db8000000000000000000000007              # 2001:db8::7
  c105 0035 000d cf06 68656c6c6f
`);

Deno.test("checksums of datagrams from a kernel", () => {
  assert(transportChecksumOk(UDP4, 12, 16, 4, 17, 20, 33));
  assert(transportChecksumOk(UDP6, 8, 24, 6, 17, 40, 53));
  for (let i = 20; i < 33; i++) {
    const spoilt = UDP4.slice();
    spoilt[i] ^= 0x10;
    assert(!transportChecksumOk(spoilt, 12, 16, 4, 17, 20, 33), `byte ${i}`);
  }
});

Deno.test("the pseudo-header's sum is the same from bytes and from addresses", () => {
  const sums = [
    [
      pseudoHeaderSum(UDP4, 12, 16, 4, 17, 13),
      pseudoHeaderSumOf(IpAddress.parse("10.0.2.100"), IpAddress.parse("198.51.100.7"), 17, 13),
    ],
    [
      pseudoHeaderSum(UDP6, 8, 24, 6, 17, 13),
      pseudoHeaderSumOf(IpAddress.parse("fd00::100"), IpAddress.parse("2001:db8::7"), 17, 13),
    ],
  ];
  for (const [fromBytes, fromAddresses] of sums) assertEquals(fromBytes, fromAddresses);
});
