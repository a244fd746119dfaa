import { DEFAULT_LIMITS, LIMITS, mapLimits } from "../../../forward/limits.ts";
import { parseFlags } from "../../../forward/options/go_flags.ts";
import { limitFlags, limitsOf } from "../../../forward/options/limit_flags.ts";
import { assertEquals } from "../../assert.ts";

async function parse(...args: string[]) {
  const flags = limitFlags();
  const outcome = await parseFlags(flags, args);
  return outcome.kind === "parsed" ? limitsOf(flags) : outcome;
}

Deno.test("limit flags: none given, all given", async () => {
  assertEquals(await parse(), DEFAULT_LIMITS);
  const specs = Object.values(LIMITS);
  const all = await parse(
    ...specs.flatMap(({ flag, most }, i) => i % 2 === 0 ? [`-${flag}`, `${most}`] : [`--${flag}=${most}`]),
  );
  assertEquals(all, mapLimits(({ most }) => most));
  assertEquals(new Set(specs.map(({ flag }) => flag)).size, Object.keys(limitFlags()).length);
});

Deno.test("limit flags: what is no number, or makes no sense", async () => {
  for (
    const [value, reason] of [
      ["0", "value out of range: must be 1 to 60000"],
      ["60001", "value out of range: must be 1 to 60000"],
      ["-1", "parse error"],
      ["many", "parse error"],
    ]
  ) {
    const message = `invalid value "${value}" for flag -max-dials: ${reason}`;
    assertEquals(await parse("-max-dials", value!), { kind: "error", message });
  }
});
