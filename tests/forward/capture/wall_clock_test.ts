import { WallClock } from "../../../forward/capture/wall_clock.ts";
import { assert, assertEquals } from "../../assert.ts";

Deno.test("microseconds come from the monotonic clock, the day from the other", () => {
  let day = 1_700_000_000_000, monotonic = 5.25;
  const clock = new WallClock(() => day, () => monotonic);
  assertEquals(clock.now(), 1_700_000_000_000);
  monotonic += 0.125;
  assertEquals(clock.now(), 1_700_000_000_000.125);
  monotonic += 8;
  day += 8;
  assertEquals(clock.now(), 1_700_000_000_008.125);
});

Deno.test("it follows when somebody sets the time of day", () => {
  let day = 1_700_000_000_000;
  const clock = new WallClock(() => day, () => 0);
  day += 9;
  assertEquals(clock.now(), 1_700_000_000_000, "that may be the granularity of the one or the drift of the other");
  day -= 3_600_000;
  assertEquals(clock.now(), day);
  day += 86_400_000;
  assertEquals(clock.now(), day);
});

Deno.test("the real one", () => {
  const before = Date.now();
  const clock = new WallClock();
  const now = clock.now();
  assert(now >= before - 1 && now <= Date.now() + 1);
});
