/**
 * `slirpnetstack help [TOPIC|-FLAG]`.
 *
 * @module
 */
import type { CommandName } from "../flags/flag_row.ts";
import { COMMAND_LINES, PROGRAM } from "../flags/usage.ts";
import { allFlags, COMMANDS, flagTerm } from "./commands.ts";
import { COMMAND_WORDS, OVERVIEW, PAGES } from "./pages.ts";
import { nearest } from "./suggest.ts";
import { pageText, termText, type TextStyle } from "./text.ts";

export { terminalStyle } from "./text.ts";

/** Text for stdout, or an error message for stderr. Both end with a newline. */
export type HelpOutcome =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "error"; readonly message: string };

/** Returns the page for the arguments after `help`. */
export function help(args: readonly string[], style: TextStyle): HelpOutcome {
  const [topic] = args;
  if (topic === undefined) return { kind: "text", text: pageText(OVERVIEW, style) };
  if (args.length > 1) return error(`help takes one word, not ${args.length}`);
  const page = PAGES.find(({ name }) => name === topic);
  if (page !== undefined) return { kind: "text", text: pageText(page, style) };
  const flag = topic.replace(/^--?/, "");
  const terms = flagTerms(flag);
  if (terms.length > 0) return { kind: "text", text: terms.map((term) => termText(term, style)).join("\n") };
  const meant = topic.startsWith("-")
    ? dashed(nearest(flag, flagNames()))
    : nearest(topic, PAGES.map(({ name }) => name)) ?? dashed(nearest(flag, flagNames()));
  const topics = PAGES.map(({ name }) => name).join(", ");
  const hint = meant === null ? `Topics are: ${topics}; and every flag, such as -netns.` : didYouMean(`help ${meant}`);
  return error(`no help about ${JSON.stringify(topic)}`, hint);
}

/**
 * Suggests a flag for an unknown one: one line without its newline; null: no flag is close.
 *
 * @param name the flag without dashes
 * @param command the name of the command that it was typed for; `attach` where none was
 */
export function flagHint(name: string, command: CommandName): string | null {
  const own = COMMANDS.find((one) => one.name === command)!;
  const near = nearest(name, Object.keys(own.flags));
  const elsewhere = COMMANDS.find(({ flags }) => Object.hasOwn(flags, name));
  if (elsewhere !== undefined) {
    return `-${name} is a flag of \`${COMMAND_LINES[elsewhere.name]}\`${
      near === null ? "" : `; did you mean -${near}?`
    }`;
  }
  return near === null ? null : `Did you mean -${near}?`;
}

/**
 * Suggests a command for an unexpected word, likewise.
 *
 * @param word as it was typed
 */
export function wordHint(word: string): string | null {
  const near = nearest(word, COMMAND_WORDS.map(([name]) => name));
  return near === null ? null : didYouMean(near);
}

/** A line that suggests a command line, without its newline. */
export function didYouMean(words: string): string {
  return `Did you mean \`${PROGRAM} ${words}\`?`;
}

/** The help about one flag. */
function flagTerms(name: string) {
  return allFlags().filter(([one]) => one === name).map((flag) => flagTerm(flag, COMMANDS));
}

function flagNames(): string[] {
  return allFlags().map(([name]) => name);
}

function dashed(name: string | null): string | null {
  return name === null ? null : `-${name}`;
}

function error(...lines: readonly string[]): HelpOutcome {
  return { kind: "error", message: lines.map((line) => `${line}\n`).join("") };
}
