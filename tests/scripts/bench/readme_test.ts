import { fullMatrix, select } from "../../../scripts/bench/matrix.ts";
import { NUMBERS, pages, ROWS, SHOWN, withFigures, withFiguresOfReadme } from "../../../scripts/bench/readme.ts";
import { readResults, type Results } from "../../../scripts/bench/report/results.ts";
import { PROJECT } from "../../../scripts/lab/program.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "../../assert.ts";
import { row } from "./rows.ts";

/** Results of two programs, with one figure that is shown and one that is not. */
function results(value: number): Results {
  return {
    peers: [{ name: "we", version: "1" }, { name: "they", version: "2" }],
    bed: "2026-01-01, 2 CPUs, 4 GiB",
    rows: [row({ id: "rr-v4-p50", name: "round trip", samples: { we: [value], they: [2] } }), row({ id: "other" })],
  };
}

/** The parts of a page outside of the marks. */
function outside(text: string): string[] {
  return text.split(/<!-- (?:figures|numbers): [^>]*-->[^]*?<!-- end of \w+ -->/);
}

Deno.test("the benchmark's page has a place for figures; they replace the last ones, and nothing else", async () => {
  const text = await Deno.readTextFile(`${PROJECT}scripts/bench/README.md`);
  const once = withFigures(text, results(1));
  assertEquals(withFigures(withFigures(text, results(7)), results(1)), once);
  assertStringIncludes(once, "| round trip, Gbit/s | 1500 | 1.00 (1.00–1.00) ");
  assertEquals(outside(once), outside(text), "the rest of the page");
  assertEquals(outside(once).length, 2, "parts around one place");
});

Deno.test("the README has a place for numbers and one for figures; they replace the last ones, and nothing else", async () => {
  const text = await Deno.readTextFile(`${PROJECT}README.md`);
  const once = withFiguresOfReadme(text, results(1));
  assertEquals(withFiguresOfReadme(withFiguresOfReadme(text, results(7)), results(1)), once);
  assertMatch(once, /^\| TCP round trip, Gbit\/s +\| 1\.00 \| 2\.00 \|$/m);
  assertMatch(once, /^\| start to ready +\| — +\| — +\|$/m, "a figure that was not measured");
  assertEquals(outside(once), outside(text), "the rest of the page");
  assertEquals(outside(once).length, 3, "parts around two places");
});

Deno.test("the pages and the chart have the figures of results.json; if not: deno task bench --from scripts/bench/results.json --readme", async () => {
  const measured = await readResults(`${PROJECT}scripts/bench/results.json`);
  for (const [path, text] of await pages(measured)) assertEquals(await Deno.readTextFile(path), text, path.pathname);
});

Deno.test("the README's comparison and figures fit into a terminal of 80 columns", async () => {
  const text = await Deno.readTextFile(`${PROJECT}README.md`);
  const [comparison] = /^## How it compares$[^]*^## How it works$/m.exec(text)!;
  const tables = comparison.split("\n").filter((line) => line.startsWith("|"));
  assert(tables.length > 20, `${tables.length} lines of tables`);
  for (const line of tables) assert(line.length <= 80, line);
  const parts = [...text.matchAll(/<!-- (?:figures|numbers): [^]*?<!-- end of/g)].map(([part]) => part);
  assertEquals(parts.length, 2);
  for (const line of parts.join("\n").split("\n")) assert(line.length <= 80, line);
});

Deno.test("a text without marks is refused", () => {
  const nothing = { peers: [], bed: "", rows: [] };
  assertThrows(() => withFigures("# Title\n", nothing), Error, "end of figures");
  assertThrows(() => withFiguresOfReadme("# Title\n", nothing), Error, "end of numbers");
});

Deno.test("all figures that are shown are measured", () => {
  const figures = fullMatrix().flatMap((work) => work.figures);
  for (const name of SHOWN) assert(select(figures, [name]).length > 0, name);
  const ids = figures.map(({ id }) => id);
  for (const [figure] of [...NUMBERS, ...ROWS]) assert(ids.includes(figure), figure);
});
