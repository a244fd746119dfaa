import { Deadlines, type Expiring } from "../../../forward/timers/deadlines.ts";
import { assertEquals } from "../../assert.ts";
import { FakeScheduler } from "../bed/fakes.ts";

function setup() {
  const scheduler = new FakeScheduler();
  const deadlines = new Deadlines<Expiring>(scheduler, 100);
  const expired: string[] = [];
  const entry = (name: string): Expiring => ({ expire: () => expired.push(`${name} ${scheduler.time - 1_000}`) });
  return { scheduler, deadlines, expired, entry };
}

Deno.test("deadlines: each has its own time, by one timer", () => {
  const { scheduler, deadlines, expired, entry } = setup();
  deadlines.add(entry("a"));
  scheduler.advance(30);
  deadlines.add(entry("b"));
  assertEquals(deadlines.size, 2, "entries that wait");
  assertEquals(scheduler.timerCount, 1, "timers");
  scheduler.advance(200);
  assertEquals(expired, ["a 100", "b 130"], "expired");
  assertEquals(deadlines.size, 0, "entries that wait");
  assertEquals(scheduler.timerCount, 0, "timers");
  deadlines.add(entry("c"));
  scheduler.advance(100);
  assertEquals(expired.at(-1), "c 330");
});

Deno.test("deadlines: what is deleted does not expire", () => {
  const { scheduler, deadlines, expired, entry } = setup();
  const a = entry("a");
  deadlines.add(a);
  scheduler.advance(50);
  deadlines.add(entry("b"));
  deadlines.delete(a);
  scheduler.advance(1_000);
  assertEquals(expired, ["b 150"]);
});
