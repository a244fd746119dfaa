import { Metrics } from "../../../scripts/soak/metrics.ts";
import { assertEquals, assertThrows } from "../../assert.ts";

Deno.test("values are summed by name and labels", () => {
  const metrics = Metrics.parse(
    '# HELP a_total A.\n# TYPE a_total counter\na_total{kind="x",network="tcp"} 2\na_total{kind="y",network="tcp"} 3\n' +
      'a_total{kind="x",network="udp"} 40\na_total_more 500\nb 1.5e3\n',
  );
  assertEquals(metrics.sum("a_total"), 45);
  assertEquals(metrics.sum("a_total", { network: "tcp" }), 5);
  assertEquals(metrics.sum("a_total", { kind: "x", network: "tcp" }), 2);
  assertEquals(metrics.sum("b"), 1500);
  assertThrows(() => metrics.sum("c"), Error, "no metric c");
});
