import { completionOf, FLAG_GROUPS, type FlagRow } from "../../../../forward/cli/flags/flag_row.ts";
import { flagsOf } from "../../../../forward/cli/flags/flag_table.ts";
import { spans } from "../../../../forward/cli/help/page.ts";
import { assert, assertEquals } from "../../../assert.ts";

const ROWS: readonly [string, FlagRow][] = Object.entries({ ...flagsOf("attach"), ...flagsOf("run") });

Deno.test("flags: a row has a word for the value, and completions, only if the flag takes a value", () => {
  for (const [name, row] of ROWS) {
    assertEquals(row.value === undefined, row.kind === "boolean", `-${name}: a word for the value`);
    assert(row.kind !== "boolean" || completionOf(row) === "none", `-${name}: a boolean has no value to complete`);
    assertEquals(row.kind === "choice", row.choices !== undefined, `-${name}: choices`);
    assertEquals(row.kind === "limit", row.limit !== undefined, `-${name}: a limit`);
    assert(FLAG_GROUPS.includes(row.group), `-${name}: its group`);
  }
});

Deno.test("flags: help has whole sentences, whose markup matches; the usage is one line", () => {
  for (const [name, { usage, help }] of ROWS) {
    assert(usage !== "" && !usage.includes("\n") && !usage.endsWith("."), `-${name}: ${usage}`);
    for (const paragraph of help) {
      assert(/^[A-Z`_]/.test(paragraph) && paragraph.endsWith("."), `-${name}: sentences: ${paragraph}`);
      const plain = spans(paragraph).filter(({ style }) => style === "plain").map(({ text }) => text).join("·");
      assert(!/`|\b_[A-Z]+|[A-Z]_\b| {2}|\n/.test(plain), `-${name}: markup that does not match: ${paragraph}`);
    }
  }
});

Deno.test("flags: a flag of one command is not among those of the other", () => {
  assert(!Object.hasOwn(flagsOf("run"), "netns"), "run has no -netns");
  assert(!Object.hasOwn(flagsOf("attach"), "verbose"), "attach has no -verbose");
  for (const command of ["attach", "run"] as const) {
    assert(Object.hasOwn(flagsOf(command), "mtu"), `${command} has -mtu`);
    assert(Object.hasOwn(flagsOf(command), "max-dials"), `${command} has the limits' flags`);
  }
});

Deno.test("help's markup: literals, placeholders, plain text", () => {
  assertEquals(spans("of `-fd` in `/proc/`_PID_`/ns` SOME_THING"), [
    { style: "plain", text: "of " },
    { style: "literal", text: "-fd" },
    { style: "plain", text: " in " },
    { style: "literal", text: "/proc/" },
    { style: "placeholder", text: "PID" },
    { style: "literal", text: "/ns" },
    { style: "plain", text: " SOME_THING" },
  ]);
});
