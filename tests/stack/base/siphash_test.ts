import { assertEquals, assertNotEquals } from "../../assert.ts";
import { HalfSipHash, sipHash } from "../../../stack/base/siphash.ts";

/** The bytes 0, 1, 2, ... as little-endian words. */
function words(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => {
    const byte = 4 * i;
    return byte | (byte + 1) << 8 | (byte + 2) << 16 | (byte + 3) << 24;
  });
}

Deno.test("SipHash-2-4, the reference implementation's vectors", () => {
  const expected = [0xdd0e0e31, 0x277187b7, 0x9a932462, 0x860ee5fb];
  const actual = expected.map((_, count) => sipHash(words(4), words(count)) >>> 0);
  assertEquals(actual, expected);
});

Deno.test("HalfSipHash-2-4, the reference implementation's vectors", () => {
  const [k0, k1] = words(2);
  const hash = new HalfSipHash(k0, k1);
  const expected = [0x5b9f35a9, 0x89466e2a, 0x8f84b8d0, 0x2f87f057];
  const actual = expected.map((_, count) => {
    hash.begin();
    for (const word of words(count)) hash.add(word);
    return hash.end() >>> 0;
  });
  assertEquals(actual, expected);
});

Deno.test("another key gives another hash", () => {
  assertNotEquals(sipHash(words(4), words(3)), sipHash(words(5).subarray(1), words(3)));
  assertNotEquals(new HalfSipHash(1, 2).begin().add(7).end(), new HalfSipHash(1, 3).begin().add(7).end());
});
