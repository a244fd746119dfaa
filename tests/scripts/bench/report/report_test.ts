import { formatValue, notes, type Row, table } from "../../../../scripts/bench/report/report.ts";
import { assertEquals } from "../../../assert.ts";
import { row } from "../rows.ts";

/** The cells of the table's only row. */
function cells(fields: Partial<Row>): string[] {
  return table([row(fields)], "we", ["they"]).split("\n")[2].split("|").slice(1, -1).map((cell) => cell.trim());
}

Deno.test("the table has medians with their spread, and says who is ahead", () => {
  const samples = { we: [2, 1, 3], they: [1, 1, 1], others: [40, 50, 120] };
  assertEquals(
    table([row({ samples })], "we", ["they", "others"]),
    [
      "| work         | MTU  | we               | they             | against they | others          | against others |",
      "| ------------ | ---- | ---------------- | ---------------- | ------------ | --------------- | -------------- |",
      "| bulk, Gbit/s | 1500 | 2.00 (1.00–3.00) | 1.00 (1.00–1.00) | 2.00× ahead  | 50.0 (40.0–120) | 0.04× behind   |",
    ].join("\n"),
  );
});

Deno.test("where less is better, less is ahead", () => {
  const time = { unit: "µs", better: "less" } as const;
  const slower = cells({ ...time, samples: { we: [30], they: [20] } });
  assertEquals(slower[0], "bulk, µs (less is better)", "name");
  assertEquals(slower.at(-1), "1.50× behind", "verdict");
  assertEquals(cells({ ...time, samples: { we: [10], they: [20] } }).at(-1), "0.50× ahead");
});

Deno.test("a peer that failed gets a dash, and a note has the reason", () => {
  const failed = { samples: { we: [1], they: [] }, failures: { they: ["1020 of 10000", "999 of 10000"] } };
  assertEquals(cells(failed).slice(2), ["1.00 (1.00–1.00)", "—", "—"]);
  assertEquals(notes([row(failed)]), ["they failed at bulk, MTU 1500: 1020 of 10000"]);
});

Deno.test("figures of one sample that failed are noted once", () => {
  const failures = { they: ["1020 of 10000"] };
  assertEquals(notes([row({ failures }), row({ id: "more", name: "more", failures })]).length, 1);
});

Deno.test("a peer that failed some of the time is compared by its other samples, and a note says so", () => {
  const failed = { samples: { we: [1], they: [2, 2] }, failures: { they: ["timed out"] } };
  assertEquals(cells(failed).at(-1), "0.50× behind");
  assertEquals(notes([row(failed)]), ["they failed in 1 of 3 samples at bulk, MTU 1500: timed out"]);
});

Deno.test("a value has three significant digits", () => {
  assertEquals([0, 0.123, 1.234, 12.34, 123.4, 9999.6, 123_456.7].map(formatValue), [
    "0.00",
    "0.12",
    "1.23",
    "12.3",
    "123",
    "10000",
    "123,457",
  ]);
});
