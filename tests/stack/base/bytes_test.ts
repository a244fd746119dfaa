import { assert, assertEquals } from "../../assert.ts";
import { copyShort, get16, get32, put16, put32, sameBytes } from "../../../stack/base/bytes.ts";
import { hex, toHex } from "../../../scripts/lab/packets.ts";

Deno.test("numbers are in network order, and 32 bits are unsigned", () => {
  const bytes = hex("00 fedc ba98 76");
  assertEquals(get16(bytes, 1), 0xfedc);
  assertEquals(get32(bytes, 1), 0xfedcba98);
});

Deno.test("writing keeps the low bits and touches nothing else", () => {
  const bytes = new Uint8Array(8).fill(0xee);
  put16(bytes, 1, 0x12345);
  put32(bytes, 3, 0xfedcba98 | 0);
  assertEquals(toHex(bytes), "ee2345fedcba98ee");
});

Deno.test("copying and comparing at offsets", () => {
  const to = new Uint8Array(5);
  copyShort(hex("0102030405"), 1, to, 2, 3);
  assertEquals(toHex(to), "0000020304");
  assert(sameBytes(to, 2, hex("0102030405"), 1, 3));
  assert(!sameBytes(to, 1, hex("0102030405"), 0, 3));
});
