import { outcomes, type Target, TARGETS, targetTable } from "../../../../scripts/bench/report/targets.ts";
import { fullMatrix } from "../../../../scripts/bench/matrix.ts";
import { assert, assertEquals } from "../../../assert.ts";
import { row } from "../rows.ts";

const ROWS = [
  row({ id: "one", name: "one", samples: { we: [10, 11, 12], they: [2] } }),
  row({ id: "eight", name: "eight", samples: { we: [9], they: [2] } }),
  row({ id: "time", name: "time", unit: "ms", better: "less", samples: { we: [100], they: [] } }),
];

/** The outcome of one target. */
function met(target: Target): boolean | null {
  return outcomes(ROWS, "we", [target])[0].met;
}

Deno.test("a target is a bound on the ratio to a peer, to another figure, or on the figure", () => {
  assertEquals(met({ figure: "one", peer: "they", atLeast: 5.5 }), true);
  assertEquals(met({ figure: "one", peer: "they", atLeast: 5.6 }), false);
  assertEquals(met({ figure: "eight", of: "one", atLeast: 1 }), false);
  assertEquals(met({ figure: "eight", of: "one", atLeast: 0.8 }), true);
  assertEquals(met({ figure: "time", atMost: 100 }), true);
  assertEquals(met({ figure: "time", atMost: 99 }), false);
});

Deno.test("a target that was not measured is neither met nor missed", () => {
  assertEquals(met({ figure: "time", peer: "they", atMost: 1 }), null);
  assertEquals(met({ figure: "one", peer: "nobody", atLeast: 1 }), null);
  assertEquals(outcomes(ROWS, "we", [{ figure: "nothing", atLeast: 1 }]), []);
});

Deno.test("the table of targets has the targets and the measured values", () => {
  const targets = [
    { figure: "one", peer: "they", atLeast: 6 },
    { figure: "eight", of: "one", atLeast: 0.5 },
    { figure: "time", atMost: 120 },
    { figure: "time", peer: "they", atMost: 1 },
  ];
  assertEquals(targetTable(outcomes(ROWS, "we", targets)).split("\n").slice(2), [
    "| one    | 1500 | ≥ 6× they             | 5.50×    | no           |",
    "| eight  | 1500 | ≥ 0.5× one connection | 0.82×    | yes          |",
    "| time   | 1500 | ≤ 120 ms              | 100 ms   | yes          |",
    "| time   | 1500 | ≤ 1× they             | —        | not measured |",
  ]);
});

Deno.test("each target is for a figure that is measured", () => {
  const figures = new Set(fullMatrix().flatMap((work) => work.figures.map((figure) => figure.id)));
  for (const { figure, of } of TARGETS) {
    assert(figures.has(figure), figure);
    assert(of === undefined || figures.has(of), String(of));
  }
});
