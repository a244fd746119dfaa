/** The README's table of limits says what the program does. */
import { DEFAULT_LIMITS, LIMITS, type Limits } from "../../forward/limits.ts";
import { assert, assertEquals } from "../assert.ts";

const text = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
const head = text.indexOf("| why so many");
const rows = text.slice(head, text.indexOf("\n\n", head)).split("\n").slice(2)
  .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));

Deno.test("the README's table has each limit, its default, what it counts, when it is full, its reason, its metric", () => {
  assertEquals(rows.length, Object.keys(LIMITS).length);
  for (const [name, { flag, what, whenFull }] of Object.entries(LIMITS)) {
    const row = rows.find(([first]) => first === `\`-${flag}\``);
    assert(row !== undefined, flag);
    assertEquals(row.slice(1, 4), [String(DEFAULT_LIMITS[name as keyof Limits]), what, whenFull]);
    assert(row[4] !== "", `${flag} has no reason`);
    assert(row[5]!.includes(`\`${flag.replace("max-", "").replaceAll("-", "_")}`), `${flag}: ${row[5]}`);
  }
});
