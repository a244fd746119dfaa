import { median, percentile } from "../../../../scripts/bench/instrument/statistics.ts";
import { assertEquals } from "../../../assert.ts";

Deno.test("the median is the middle one, or the mean of the two in the middle", () => {
  assertEquals(median([3, 1, 200]), 3);
  assertEquals(median([4, 1, 2, 100]), 3);
  assertEquals(median([7]), 7);
});

Deno.test("a percentile is the smallest sample that the given share of all are not above", () => {
  const hundred = Float64Array.from({ length: 100 }, (_, i) => 100 - i);
  assertEquals(percentile(hundred, 0.5), 50);
  assertEquals(percentile(hundred, 0.99), 99);
  assertEquals(percentile(Float64Array.of(5, 9), 0.99), 9);
  assertEquals(percentile(Float64Array.of(5), 0.5), 5);
});
