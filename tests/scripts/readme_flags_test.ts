/** The README's table of flags against the flags themselves. */
import { COMMANDS, defaultOf, shownFlags } from "../../forward/options/help/commands.ts";
import { PROJECT } from "../../scripts/lab/program.ts";
import { assertEquals } from "../assert.ts";

Deno.test("README: the table has every flag with its value and its defaults, and no others", async () => {
  const readme = await Deno.readTextFile(`${PROJECT}README.md`);
  const [, section] = /^## Flags\n([^]*?)^## /m.exec(readme)!;
  const rows = [...section!.matchAll(/^\| `(-[^`]+)` *\|([^|]*)\|([^|]*)\|/gm)]
    .map(([, flag, ...defaults]) => [flag!, ...defaults.map((cell) => cell.trim())].join(" | "));
  const all = shownFlags(Object.assign({}, ...COMMANDS.map(({ flags }) => flags)));
  const expected = all.map(({ name, help }) => {
    const defaults = COMMANDS.map(({ flags }) => {
      const flag = flags[name];
      if (flag === undefined) return "–";
      const shown = defaultOf(flag) || (flag.isBoolean ? "false" : "");
      return shown === "" ? "" : `\`${shown}\``;
    });
    return [`-${name}${help.value === "" ? "" : ` ${help.value}`}`, ...defaults].join(" | ");
  });
  assertEquals(rows.toSorted(), [...expected, "-h |  | "].toSorted());
});
