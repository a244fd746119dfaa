import { flowsJson } from "../../../../forward/metrics/flows/flows_json.ts";
import { assert, assertEquals } from "../../../assert.ts";
import { rowOf } from "../fake_source.ts";

Deno.test("no flows, one, and many", () => {
  for (const count of [0, 1, 63, 64, 65, 1000]) {
    const rows = Array.from({ length: count }, (_, i) => rowOf(`10.0.2.100:${i}`));
    const pieces = [...flowsJson(rows)];
    assertEquals(JSON.parse(pieces.join("")), rows);
    assert(pieces.every((piece) => piece.length < 64 * 1024));
    assertEquals(pieces.length, Math.floor(count / 64) + 1);
    assertEquals(pieces.join("").trimEnd().split("\n").length, count === 0 ? 1 : count + 2, "one a line");
  }
});
