import { amount, FIRST_VIEW, pressed, table } from "../../../../forward/cli/top/top_view.ts";
import type { RatedRow } from "../../../../forward/metrics/names/rates.ts";
import { assert, assertEquals, assertStringIncludes } from "../../../assert.ts";

function row(name: string, rest: Partial<RatedRow> = {}): RatedRow {
  return {
    ...{ name, rule: name, flows: 0, opened: 0, bytes_out: 0, bytes_in: 0, refused: 0, reason: null, remedy: null },
    ...{ rateOut: 0, rateIn: 0, ...rest },
  };
}

const ROWS = [
  row("b.test", { flows: 2, bytes_out: 1_500, bytes_in: 12_345_678, rateIn: 1_234 }),
  row("a.test", { refused: 3, reason: "no_rule", remedy: "a.test" }),
  row(`${"long.".repeat(20)}test`, { flows: 1 }),
];
const PLAIN = { columns: 80, lines: Infinity, colours: false };
const SCREEN = { columns: 80, lines: 24, colours: true };

Deno.test("top: a table of 80 columns without colours", () => {
  const lines = table(ROWS, FIRST_VIEW, PLAIN);
  assertEquals(lines, [
    "3 names, 3 flows, 0 B/s out, 1.23 kB/s in, 3 refused",
    "NAME                                FLOWS     OUT/s      IN/s     BYTES  REFUSED",
    "b.test                                  2       0 B   1.23 kB   12.3 MB        0",
    "a.test                                  0       0 B       0 B       0 B        3",
    "long.long.long.long.long.long.lon~      1       0 B       0 B       0 B        0",
  ]);
  for (const line of lines) assert(line.length <= 80, line);
});

Deno.test("top: keys sort, show refusals alone, choose a row and show its rule", () => {
  const press = (...keys: string[]) => keys.reduce((view, key) => pressed(view, key, ROWS)!, FIRST_VIEW);
  const names = (...keys: string[]) => table(ROWS, press(...keys), PLAIN).slice(2).map((line) => line.split(".")[0]);
  assertEquals(names("n"), ["a", "b", "long"], "by name");
  assertEquals(names("r"), ["a", "b", "long"], "by refusals");
  assertEquals(names("f"), ["b", "long", "a"], "by flows");
  assertEquals(names("d"), ["a"], "refusals only");
  assertEquals(table(ROWS, press("\x1b[B", "p"), PLAIN).at(-1), "a.test: refused (no_rule). To allow it: -only a.test");
  assertEquals(table(ROWS, press("j", "j", "j", "k", "k", "p"), PLAIN).at(-1), "b.test: by the rule b.test");
  for (const key of ["q", "\x03", "\x04"]) assertEquals(pressed(FIRST_VIEW, key, ROWS), null, JSON.stringify(key));
  assertEquals(pressed(FIRST_VIEW, "j", [])?.chosen, null, "no rows");
});

Deno.test("top: on a screen, the chosen row is marked, and in sight", () => {
  const many = Array.from({ length: 100 }, (_, i) => row(`n${String(i).padStart(3, "0")}.test`));
  const view = { ...FIRST_VIEW, chosen: "n050.test" };
  const lines = table(many, view, SCREEN);
  assertEquals(lines.length, 22);
  assertStringIncludes(lines.find((line) => line.startsWith("\x1b[7m")) ?? "", "n050.test");
  assertStringIncludes(table(many, view, { ...SCREEN, colours: false }).join("\n"), "\n>050.test");
});

Deno.test("top: amounts have three digits", () => {
  const amounts = [0, 999, 999.6, 1_000, 12_345, 999_499, 999_500, 1e9, 1e15].map(amount);
  assertEquals(amounts, ["0 B", "999 B", "1 kB", "1 kB", "12.3 kB", "999 kB", "1 MB", "1 GB", "1000 TB"]);
});
