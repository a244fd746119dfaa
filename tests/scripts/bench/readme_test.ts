import { fullMatrix, select } from "../../../scripts/bench/matrix.ts";
import { SHOWN, withFigures } from "../../../scripts/bench/readme.ts";
import { PROJECT } from "../../../scripts/lab/program.ts";
import { assert, assertEquals, assertThrows } from "../../assert.ts";
import { row } from "./rows.ts";

Deno.test("the README has a place for figures; they replace the last ones, and nothing else", async () => {
  const text = await Deno.readTextFile(`${PROJECT}README.md`);
  const results = (value: number) => ({
    peers: [{ name: "we", version: "1" }, { name: "they", version: "2" }],
    bed: "2 CPUs",
    rows: [row({ id: "rr-v4-p50", name: "round trip", samples: { we: [value], they: [2] } }), row({ id: "other" })],
  });
  const [once, twice] = [withFigures(text, results(1)), withFigures(withFigures(text, results(7)), results(1))];
  assertEquals(twice, once);
  assert(once.includes("| round trip, Gbit/s | 1500 | 1.00 (1.00–1.00) "), once);
  const outside = (text: string) => text.split(/<!-- figures[^>]*-->[^]*<!-- end of figures -->/);
  assertEquals(outside(once), outside(text));
  assertEquals(outside(once).length, 2);
});

Deno.test("a text without marks is refused", () => {
  assertThrows(() => withFigures("# Title\n", { peers: [], bed: "", rows: [] }), Error, "end of figures");
});

Deno.test("what the README shows is measured", () => {
  const figures = fullMatrix().flatMap((work) => work.figures);
  for (const name of SHOWN) assert(select(figures, [name]).length > 0, name);
});
