import { limitFlag, LIMITS } from "../../../forward/limits/limits.ts";
import { README, withParts } from "../../../scripts/build/docs.ts";
import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "../../assert.ts";

Deno.test("docs: the README has the tables of the program as they are; if not, run: deno task docs", async () => {
  const text = await Deno.readTextFile(README);
  assertEquals(text, withParts(text));
});

Deno.test("docs: what stands between the marks is replaced, and the rest stays", () => {
  const marks = (name: string) => `<!-- ${name}: deno task docs -->\nOUTDATED\n<!-- end of ${name} -->`;
  const text = withParts(`before\n${marks("limits")}\nbetween\n${marks("flags")}\nafter\n`);
  assertMatch(text, /^before\n<!-- limits: deno task docs -->\n\n\|[^]*\|\n\n<!-- end of limits -->\nbetween\n/);
  assertMatch(text, /<!-- flags: deno task docs -->\n\n\|[^]*\|\n\n<!-- end of flags -->\nafter\n$/);
  assertEquals(text.includes("OUTDATED"), false, "the old part");
  assertMatch(text, /^\| `-L FORWARD` +\| +\| +\| A local forward: listen on the host/m);
  assertMatch(text, /^\| `-netns PATH` +\| +\| – +\| .*`\/proc\/PID\/ns\/net` of a process/m);
  assertMatch(text, /^\| `-dns` +\| `false` \| `true` /m);
  for (const name of Object.keys(LIMITS)) assertStringIncludes(text, `\n| \`-${limitFlag(name)}\` `);
  assertThrows(() => withParts(marks("flags")), Error, "limits");
});
