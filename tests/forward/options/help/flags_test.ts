import { FLAG_HELP } from "../../../../forward/options/help/flags.ts";
import { FLAG_GROUPS, spans } from "../../../../forward/options/help/page.ts";
import { makeTable } from "../../../../forward/options/options.ts";
import { makeRunTable } from "../../../../forward/options/run_options.ts";
import { assert, assertEquals } from "../../../assert.ts";

const resolve = () => Promise.resolve([]);
const TABLE = { ...makeTable(resolve), ...makeRunTable(resolve) };

Deno.test("help's markup: what is typed, what is to be replaced, the rest", () => {
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

Deno.test("every flag has help that fits to it", () => {
  assertEquals(Object.keys(FLAG_HELP).toSorted(), Object.keys(TABLE).toSorted());
  for (const [name, help] of Object.entries(FLAG_HELP)) {
    const { isBoolean } = TABLE[name as keyof typeof FLAG_HELP];
    assertEquals(help.value === "", isBoolean, `-${name}: a word for the value, if it has one`);
    assert(!isBoolean || help.complete === "none", `-${name}: a boolean has no value to complete`);
    assert(FLAG_GROUPS.includes(help.group), `-${name}`);
    assert(help.paragraphs.length > 0, `-${name}`);
    for (const paragraph of help.paragraphs) {
      assert(/^[A-Z`_]/.test(paragraph) && paragraph.endsWith("."), `-${name}: sentences: ${paragraph}`);
      const plain = spans(paragraph).filter(({ style }) => style === "plain").map(({ text }) => text).join("·");
      assert(!/`|\b_[A-Z]+|[A-Z]_\b| {2}|\n/.test(plain), `-${name}: markup that does not match: ${paragraph}`);
    }
  }
});
