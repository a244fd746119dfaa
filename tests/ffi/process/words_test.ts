import { joinWords, splitWords } from "../../../ffi/process/words.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("each word in a block ends with a zero byte; empty words and all other bytes are kept", () => {
  const words = [[0xff, 0x0a], [], [0x61], []].map((bytes) => new Uint8Array(bytes));
  const block = joinWords(words);
  assertEquals([...block], [0xff, 0x0a, 0, 0, 0x61, 0, 0]);
  assertEquals(splitWords(block), words);
  assertEquals(splitWords(joinWords([])), []);
});
