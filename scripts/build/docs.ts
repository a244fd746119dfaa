/**
 * `deno task docs`: writes the table of flags in the README, between the marks for it, from the program's own. A
 * test compares.
 *
 * @module
 */
import { allFlags, COMMANDS, type ShownFlag, typedDefault } from "../../forward/cli/help/commands.ts";
import { spans } from "../../forward/cli/help/page.ts";
import { markdownTable, withPart } from "../common/markdown.ts";

/** The file that has the parts. */
export const README: URL = new URL("../../README.md", import.meta.url);

const COMMAND = "deno task docs";

/** The parts by their names in the marks. */
const PARTS: Readonly<Record<string, () => string>> = { flags };

/** The text with the parts as they should be. Throws when it lacks the marks of one. */
export function withParts(text: string): string {
  return Object.entries(PARTS).reduce((text, [name, part]) => withPart(text, name, COMMAND, part), text);
}

/** The flags that matter most, with their defaults by command. */
function flags(): string {
  const rows = allFlags().filter(([, { everyday }]) => everyday).map((flag) => {
    const [name, { value, help }] = flag;
    const defaults = COMMANDS.map(({ flags }, i) => Object.hasOwn(flags, name) ? code(shown(flag, i)) : "–");
    return [code(value === undefined ? `-${name}` : `-${name} ${value}`), ...defaults, firstSentence(help[0])];
  });
  return markdownTable(["flag", "default", "with `run`", "meaning"], rows);
}

function shown([, row]: ShownFlag, command: number): string {
  return typedDefault(row, COMMANDS[command]) || (row.kind === "boolean" ? "false" : "");
}

function code(text: string): string {
  return text === "" ? "" : `\`${text}\``;
}

/** The first sentence, in Markdown. Words to be replaced stand next to what is typed, so both are code there. */
function firstSentence(text: string): string {
  const [sentence] = /^.*?\.(?= |$)/.exec(text)!;
  const marked = spans(sentence).map(({ style, text }) => style === "plain" ? text : `\`${text}\``).join("");
  return marked.replaceAll("``", "");
}

if (import.meta.main) await Deno.writeTextFile(README, withParts(await Deno.readTextFile(README)));
