import { DEFAULT_LIMITS, LIMITS } from "../../forward/limits.ts";
import { assert, assertEquals } from "../assert.ts";

Deno.test("limits: defaults are in their range, and all have names and policies", () => {
  for (const { flag, what, whenFull, initial, least, most } of Object.values(LIMITS)) {
    assert(/^max-[a-z-]+$/.test(flag) && what !== "" && whenFull !== "", flag);
    assert(least <= initial && initial <= most, flag);
  }
  assertEquals(Object.keys(DEFAULT_LIMITS), Object.keys(LIMITS));
});

Deno.test("limits: the README's table has them all, as they are", async () => {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const rows = [...readme.matchAll(/^\| `-(max-[a-z-]+)` +\|(.*)\|$/gm)].map(([, flag, rest]) =>
    [flag!, ...rest!.split("|").map((cell) => cell.trim())].join(" | ")
  );
  const expected = Object.values(LIMITS).map(({ flag, initial, what, whenFull }) =>
    `${flag} | ${initial} | ${what} | ${whenFull}`
  );
  assertEquals(rows, expected);
});
