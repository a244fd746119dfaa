import { README, withParts } from "../../../scripts/build/docs.ts";
import { assertEquals, assertMatch, assertThrows } from "../../assert.ts";

Deno.test("docs: the README has the table of flags as it is in the program; if not, run: deno task docs", async () => {
  const text = await Deno.readTextFile(README);
  assertEquals(text, withParts(text));
});

Deno.test("docs: the part between the marks is replaced, and the rest stays", () => {
  const marks = (name: string) => `<!-- ${name}: deno task docs -->\nOUTDATED\n<!-- end of ${name} -->`;
  const text = withParts(`before\n${marks("flags")}\nafter\n`);
  assertMatch(text, /^before\n<!-- flags: deno task docs -->\n\n\|[^]*\|\n\n<!-- end of flags -->\nafter\n$/);
  assertEquals(text.includes("OUTDATED"), false, "the old part");
  assertMatch(text, /^\| `-L FORWARD` +\| +\| +\| A local forward: listen on the host/m);
  assertMatch(text, /^\| `-netns PATH` +\| +\| – +\| .*`\/proc\/PID\/ns\/net` of a process/m);
  assertMatch(text, /^\| `-dns` +\| `false` \| `true` /m);
  assertThrows(() => withParts(marks("limits")), Error, "flags");
});
