import { rotated } from "../../../scripts/bench/run.ts";
import { describeCongestionControl } from "../../../scripts/bench/bed/settings.ts";
import { onceUncounted } from "../../../scripts/bench/works/start.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("each time another peer begins, and all take part", () => {
  assertEquals(rotated(["a", "b", "c"], 0), ["a", "b", "c"]);
  assertEquals(rotated(["a", "b", "c"], 1), ["b", "c", "a"]);
  assertEquals(rotated(["a", "b", "c"], 5), ["c", "a", "b"]);
  assertEquals(rotated([], 1), []);
});

Deno.test("the bed's congestion control is named, and the machine's where it is another", () => {
  assertEquals(describeCongestionControl("cubic", "cubic"), "congestion control cubic");
  assertEquals(describeCongestionControl("cubic", "bbr"), "congestion control cubic (the machine's own is bbr)");
});

Deno.test("a peer's first start is not counted", async () => {
  const a = { peer: { name: "a" } }, b = { peer: { name: "b" } };
  const taken: string[] = [];
  const sample = onceUncounted(({ peer }: typeof a) => Promise.resolve(taken.push(peer.name)));
  const counted: number[] = [];
  for (const seat of [a, b, a, b]) counted.push(await sample(seat));
  assertEquals(taken, ["a", "a", "b", "b", "a", "b"]);
  assertEquals(counted, [2, 4, 5, 6]);
});
