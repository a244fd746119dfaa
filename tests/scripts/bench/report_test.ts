import { median, table } from "../../../scripts/bench/report.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("the median is the middle one, or the mean of the two in the middle", () => {
  assertEquals(median([3, 1, 200]), 3);
  assertEquals(median([4, 1, 2, 100]), 3);
  assertEquals(median([7]), 7);
});

Deno.test("the table has medians with their spread, and says who is ahead", () => {
  const samples = new Map([["we", [2, 1, 3]], ["they", [1, 1, 1]], ["others", [40, 50, 120]]]);
  assertEquals(
    table([{ work: "bulk", unit: "Gbit/s", mtu: 1500, samples }], "we", ["they", "others"]),
    [
      "| work | MTU  | we                      | they                    | against they | others                " +
      " | against others |",
      "| ---- | ---- | ----------------------- | ----------------------- | ------------ | ----------------------" +
      " | -------------- |",
      "| bulk | 1500 | 2.00 Gbit/s (1.00–3.00) | 1.00 Gbit/s (1.00–1.00) | 2.00× ahead  | 50.0 Gbit/s (40.0–120)" +
      " | 0.04× behind   |",
    ].join("\n"),
  );
});
