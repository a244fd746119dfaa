import { EventLoopDelay } from "../../../forward/metrics/event_loop_delay.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals } from "../../assert.ts";

Deno.test("delays are sorted into buckets", () => {
  const delay = new EventLoopDelay();
  delay.stop();
  for (const seconds of [0, 0.001, 0.0011, 0.3, 1, 1.01, 60]) delay.observe(seconds);
  assertEquals([...delay.counts], [2, 1, 0, 0, 0, 0, 0, 0, 1, 1, 2]);
  assertEquals(Math.round(delay.sum * 1e4), 623_121);
});

Deno.test("a delayed loop is measured, until the measurement is stopped", async () => {
  const delay = new EventLoopDelay();
  const { bounds, counts } = delay;
  for (const end = performance.now() + 1100; performance.now() < end;);
  await until("the timer to come", 5000, () => counts.some((count) => count > 0));
  assert(delay.sum >= 0.1, `${delay.sum} s`);
  assertEquals(counts.length, bounds.length + 1);
  delay.stop();
});
