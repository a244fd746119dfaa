import { Exposition } from "../../../forward/metrics/exposition.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("the text format, letter by letter", () => {
  const out = new Exposition();
  out.counter("a_total", 'Line\nand \\ backslash, "quotes".', [{}, 3], [{ x: 'a"b\\c\nd', y: "" }, 1e21]);
  out.gauge("b", "Values.", [{ v: "1" }, Infinity], [{ v: "2" }, -Infinity], [{ v: "3" }, NaN], [{ v: "4" }, 0.1]);
  out.gauge("none", "Without samples it is not there.");
  out.histogram("h_seconds", "Distribution.", { bounds: [0.5, 1], counts: [1, 2, 4], sum: 2.5 });
  assertEquals(
    String(out),
    String.raw`# HELP a_total Line\nand \\ backslash, "quotes".
# TYPE a_total counter
a_total 3
a_total{x="a\"b\\c\nd",y=""} 1e+21
# HELP b Values.
# TYPE b gauge
b{v="1"} +Inf
b{v="2"} -Inf
b{v="3"} NaN
b{v="4"} 0.1
# HELP h_seconds Distribution.
# TYPE h_seconds histogram
h_seconds_bucket{le="0.5"} 1
h_seconds_bucket{le="1"} 3
h_seconds_bucket{le="+Inf"} 7
h_seconds_sum 2.5
h_seconds_count 7
`,
  );
});
