import { UsageError } from "../../../scripts/common/arguments.ts";
import { parseBenchOptions } from "../../../scripts/bench/options.ts";
import { assertEquals, assertThrows } from "../../assert.ts";

Deno.test("without options everything is measured, and nothing written", () => {
  assertEquals(parseBenchOptions([]), {
    quick: false,
    source: false,
    targets: false,
    against: null,
    only: null,
    from: null,
    json: null,
    chart: null,
    readme: false,
    baseline: null,
    linkMtu: 65_535,
  });
});

Deno.test("options and their values", () => {
  const args =
    "--quick --source --targets --baseline bin/old --against a,b --only rr --link-mtu 1500 --json r.json --chart c.svg --from x,y --readme";
  assertEquals(parseBenchOptions(args.split(" ")), {
    quick: true,
    source: true,
    targets: true,
    against: ["a", "b"],
    only: ["rr"],
    from: ["x", "y"],
    json: "r.json",
    chart: "c.svg",
    readme: true,
    baseline: "bin/old",
    linkMtu: 1500,
  });
  assertEquals(parseBenchOptions(["--against", "none"])?.against, [], "no competitor");
  assertEquals(parseBenchOptions(["--quick", "--help"]), null);
});

Deno.test("wrong options are reported", () => {
  const said = (...args: string[]) => assertThrows(() => parseBenchOptions(args), UsageError).message;
  assertEquals(said("--fast"), "unknown: --fast");
  assertEquals(said("--json"), "--json needs a value");
  for (const mtu of ["1279", "65536", "1500.5", "x"]) {
    assertEquals(said("--link-mtu", mtu), `--link-mtu ${mtu}: a link's MTU is 1280 to 65535`);
  }
});
