/**
 * The command line as a whole: which of the program's commands it is, and what that is to do. What is only to be told
 * (help, the version, what is wrong) is told here.
 *
 * @module
 */
import { ExitStatus } from "../report/contract_lines.ts";
import { LocalNames } from "../names/local_names.ts";
import type { Output } from "../report/output.ts";
import { versionLines } from "./version.ts";
import type { CommandName } from "./flags/flag_row.ts";
import type { UserLookup } from "./flags/flag_values.ts";
import {
  type Options,
  type OptionsError,
  type OptionsOutcome,
  parseOptions,
  parseRunOptions,
  type RunOptions,
  type SharedOptions,
} from "./flags/options.ts";
import { resolveOnHost } from "../syntax/resolver.ts";
import { usagePointer } from "./flags/usage.ts";

/** Nothing more is to be done: all is told. */
interface Told {
  readonly kind: "end";
  /** What the process is to end with. */
  readonly status: number;
}

/** What is to be done. `flags`: the words of the command line by which the options were set. */
export type Command =
  /** Serve a guest that exists. */
  | { readonly kind: "attach"; readonly options: Options; readonly flags: readonly string[] }
  /** Make a guest and run these words in it; none: a shell. */
  | {
    readonly kind: "run";
    readonly options: RunOptions;
    readonly flags: readonly string[];
    readonly words: readonly string[];
  }
  | Told;

/** Where to tell, and how to look things up. */
export interface CommandLineContext {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Reads a file whole. Throws if it can't. */
  readonly read: (path: string) => string;
  readonly findUser: UserLookup;
}

/** Reads the arguments behind the program's name. */
export async function readCommandLine(args: readonly string[], context: CommandLineContext): Promise<Command> {
  const own = new LocalNames(context.read);
  const values = { resolve: resolveOnHost, own, findUser: context.findUser };
  const [word, ...words] = args;
  if (word === "help" || word === "completions") return await tell(word, words, context);
  if (word === "run") {
    const parsed = await outcome(word, parseRunOptions(words, values), context);
    if (parsed.kind === "end") return parsed;
    const { options, rest } = parsed;
    return { kind: "run", options, flags: words.slice(0, words.length - rest.length), words: rest };
  }
  const parsed = await outcome("attach", parseOptions(args, values), context);
  return parsed.kind === "end" ? parsed : { kind: "attach", options: parsed.options, flags: args };
}

/** The options, if something is to be started by them; otherwise tells what there is to tell. */
async function outcome<T extends SharedOptions>(
  command: CommandName,
  parsing: Promise<OptionsOutcome<T>>,
  { stdout, stderr }: CommandLineContext,
): Promise<Told | (OptionsOutcome<T> & { kind: "options" })> {
  const parsed = await parsing;
  if (parsed.kind === "error") {
    // not the usage: its hundred lines would push the message off the screen
    stderr.text(`${parsed.message}\n${usagePointer(command)}\n`);
    const line = await hint(parsed, command);
    if (line !== null) stderr.line(line);
    return { kind: "end", status: ExitStatus.BAD_FLAGS };
  }
  if (parsed.kind === "help") stderr.text(parsed.usage);
  else if (parsed.options.version) stdout.line(await versionLines());
  else return parsed;
  return { kind: "end", status: ExitStatus.OK };
}

/** Help, and what shells need to complete words. Loaded only then: a start has no use for it. */
async function tell(
  word: "help" | "completions",
  args: readonly string[],
  { stdout, stderr }: CommandLineContext,
): Promise<Told> {
  const { help, terminalStyle } = await import("./help/help.ts");
  const { completions } = await import("./completions/completions.ts");
  const outcome = word === "help" ? help(args, terminalStyle(Deno.stdout)) : completions(args);
  if (outcome.kind === "text") stdout.text(outcome.text);
  else stderr.text(outcome.message);
  return { kind: "end", status: outcome.kind === "text" ? ExitStatus.OK : ExitStatus.BAD_FLAGS };
}

/** A line about what may have been meant by a flag that there isn't, or a word that doesn't belong there. */
async function hint({ unknown, unexpected }: OptionsError, command: CommandName): Promise<string | null> {
  const { flagHint, wordHint } = await import("./help/help.ts");
  if (unexpected !== undefined) return wordHint(unexpected);
  return unknown === undefined ? null : flagHint(unknown, command);
}
