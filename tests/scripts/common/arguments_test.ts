import { readArguments, UsageError } from "../../../scripts/common/arguments.ts";
import { assertEquals, assertThrows } from "../../assert.ts";

const EXPECTED = { values: ["out", "target"], flags: ["quick"], words: 1 };

Deno.test("arguments: options with and without a value, and words, in any order", () => {
  const found = readArguments(["--target", "a", "007", "--quick", "--out=x=y", "--target", "b"], EXPECTED);
  assertEquals(found.value("out"), "x=y", "--out");
  assertEquals(found.value("target"), "b", "the last --target");
  assertEquals(found.values("target"), ["a", "b"], "all of --target");
  assertEquals(found.has("quick"), true, "--quick");
  assertEquals(found.words, ["007"], "words");
});

Deno.test("arguments: nothing is given", () => {
  const found = readArguments([], EXPECTED);
  assertEquals(found.value("out"), null, "--out");
  assertEquals(found.values("target"), [], "--target");
  assertEquals(found.has("quick"), false, "--quick");
  assertEquals(found.words, [], "words");
});

Deno.test("arguments: unexpected ones are refused", () => {
  const said = (...args: string[]) => assertThrows(() => readArguments(args, EXPECTED), UsageError).message;
  assertEquals(said("--fast"), "unknown: --fast");
  assertEquals(said("-x"), "unknown: -x");
  assertEquals(said("--out"), "--out needs a value");
  assertEquals(said("--out="), "--out needs a value");
  assertEquals(said("one", "two"), "unknown: two");
});
