import { chart } from "../../../../scripts/bench/report/chart.ts";
import { assert, assertEquals } from "../../../assert.ts";
import { row } from "../rows.ts";

/** The value of an attribute in each element of that name. */
function values(svg: string, element: string, attribute: string): string[] {
  return [...svg.matchAll(new RegExp(`<${element} [^>]*\\b${attribute}="([^"]*)"`, "g"))].map((match) => match[1]);
}

Deno.test("a bar is as long as the median, a whisker from the lowest sample to the highest", () => {
  const svg = chart([row({ id: "rr-v4-p50", samples: { we: [50, 40, 100], they: [25] } })], ["we", "they"]);
  const [, ours, theirs] = values(svg, "rect", "width");
  assertEquals(Number(ours), 2 * Number(theirs));
  const [from, to] = /M([\d.]+) \S+H([\d.]+)/.exec(svg)!.slice(1).map(Number);
  const left = Number(values(svg, "rect", "x")[0]);
  assert(Math.abs((from! - left) / (to! - left) - 0.4) < 0.01, `${left} ${from} ${to}`);
});

Deno.test("a peer without a sample gets a dash, a figure that was not measured no panel, and names are escaped", () => {
  const rows = [row({ id: "rr-v4-p50", name: "a < b", samples: { we: [1], they: [] } }), row({ id: "unknown" })];
  const svg = chart(rows, ["we", "they"]);
  assertEquals(svg.match(/<g /g)?.length, 1);
  assertEquals(svg.match(/>—</g)?.length, 1);
  assert(svg.includes("a &#60; b"), svg);
});
