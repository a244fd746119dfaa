import { DEFAULT_LIMITS, LIMITS } from "../../forward/limits.ts";
import { assert, assertEquals } from "../assert.ts";

Deno.test("limits: defaults are in their range, and all have names and policies", () => {
  for (const { flag, what, whenFull, initial, least, most } of Object.values(LIMITS)) {
    assert(/^max-[a-z-]+$/.test(flag) && what !== "" && whenFull !== "", flag);
    assert(least <= initial && initial <= most, flag);
  }
  assertEquals(Object.keys(DEFAULT_LIMITS), Object.keys(LIMITS));
});
