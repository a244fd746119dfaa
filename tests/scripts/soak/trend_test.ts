import { isFlat, lowest, secondHalf, trendOf } from "../../../scripts/soak/trend.ts";
import { assert, assertEquals } from "../../assert.ts";

const points = (...values: number[]) => values.map((value, at) => ({ at, value }));

Deno.test("a trend is the change over all points, unaffected by outliers", () => {
  assertEquals(trendOf(points(10, 12, 14, 16, 18)), { change: 8, noise: 0 });
  const { change, noise } = trendOf(points(10, 12, 100, 16, 18));
  assertEquals(change, 8, "change");
  assertEquals(noise, 0, "noise");
  assertEquals(trendOf(points(5, 5, 5)).change, 0);
});

Deno.test("noise is flat, and a slow leak below it is not", () => {
  const saw = Array.from({ length: 100 }, (_, i) => 50 + 20 * ((i * 7) % 10));
  assert(isFlat(trendOf(points(...saw)), 1));
  assert(!isFlat(trendOf(lowest(points(...saw.map((value, i) => value + i)), 10)), 5));
  assert(isFlat({ change: -1000, noise: 0 }, 1), "shrinking is no leak");
});

Deno.test("the lowest of each stretch, and the later half", () => {
  assertEquals(lowest(points(3, 1, 2, 9, 8, 7), 2), [{ at: 1, value: 1 }, { at: 5, value: 7 }]);
  assertEquals(secondHalf(points(1, 2, 3, 4, 5)), points(1, 2, 3, 4, 5).slice(2));
});
