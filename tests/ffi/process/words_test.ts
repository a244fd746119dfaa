import { joinWords, splitWords } from "../../../ffi/process/words.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("words in a block end with a zero byte each; empty ones count, and any other byte is as good as another", () => {
  const words = [[0xff, 0x0a], [], [0x61], []].map((bytes) => new Uint8Array(bytes));
  const block = joinWords(words);
  assertEquals([...block], [0xff, 0x0a, 0, 0, 0x61, 0, 0]);
  assertEquals(splitWords(block), words);
  assertEquals(splitWords(joinWords([])), []);
});
