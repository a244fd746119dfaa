import { Deadlines, type Expiring } from "../../../forward/timers/deadlines.ts";
import { assertEquals } from "../../assert.ts";
import { FakeScheduler } from "../bed/fakes.ts";

function setup() {
  const loop = new FakeScheduler();
  const deadlines = new Deadlines<Expiring>(loop, 100);
  const expired: string[] = [];
  const entry = (name: string): Expiring => ({ expire: () => expired.push(`${name} ${loop.time - 1_000}`) });
  return { loop, deadlines, expired, entry };
}

Deno.test("deadlines: each has its own time, by one timer", () => {
  const { loop, deadlines, expired, entry } = setup();
  deadlines.add(entry("a"));
  loop.advance(30);
  deadlines.add(entry("b"));
  assertEquals([deadlines.size, loop.timerCount], [2, 1]);
  loop.advance(200);
  assertEquals([expired, deadlines.size, loop.timerCount], [["a 100", "b 130"], 0, 0]);
  deadlines.add(entry("c"));
  loop.advance(100);
  assertEquals(expired.at(-1), "c 330");
});

Deno.test("deadlines: what is deleted does not expire", () => {
  const { loop, deadlines, expired, entry } = setup();
  const a = entry("a");
  deadlines.add(a);
  loop.advance(50);
  deadlines.add(entry("b"));
  deadlines.delete(a);
  loop.advance(1_000);
  assertEquals(expired, ["b 150"]);
});
