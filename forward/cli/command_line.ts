/**
 * Reads the whole command line: finds the command and parses its options. Prints help, the version and errors itself.
 *
 * @module
 */
import { ExitStatus, policyFailed } from "../report/contract_lines.ts";
import { LocalNames } from "../names/local_names.ts";
import type { Output } from "../report/output.ts";
import { messageOf, StartFailed } from "../report/start_failed.ts";
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

/** Everything was printed: the process ends. */
interface Told {
  readonly kind: "end";
  /** The exit status. */
  readonly status: number;
}

/** The command to execute. `flags`: the words of the command line that set the options. */
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
  /** Serve an existing guest in place of slirp4netns. `banner`: text for stdout once it is served. */
  | {
    readonly kind: "slirp4netns";
    readonly options: Options;
    readonly flags: readonly string[];
    readonly banner: string;
  }
  /**
   * Serve an existing guest in place of pasta. `endsWith`: the path with whose removal the program ends, if any;
   * `pidFile`: where to write the process id, if anywhere.
   */
  | {
    readonly kind: "pasta";
    readonly options: Options;
    readonly flags: readonly string[];
    readonly endsWith: string | null;
    readonly pidFile: string | null;
  }
  /** Start a process in the background that serves a guest in place of pasta. `words`: its arguments. */
  | { readonly kind: "background"; readonly words: readonly string[] }
  | Told;

/** The program's version, its outputs and its lookups. */
export interface CommandLineContext {
  readonly version: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Reads a file whole. Throws if it can't. */
  readonly read: (path: string) => string;
  readonly findUser: UserLookup;
}

/** Reads the arguments after the program's name. */
export async function readCommandLine(args: readonly string[], context: CommandLineContext): Promise<Command> {
  const own = new LocalNames(context.read);
  const values = { resolve: resolveOnHost, own, findUser: context.findUser };
  const [word, ...words] = args;
  if (word === "help" || word === "completions") return await tell(word, words, context);
  if (word === "policy") return await lookAtPolicy(words, context);
  if (word === "top") {
    return { kind: "end", status: await (await import("./top/top_command.ts")).topCommand(words, context) };
  }
  if (word === "run") {
    const parsed = await outcome(word, parseRunOptions(words, values), context);
    if (parsed.kind === "end") return parsed;
    const { rest } = parsed, options = await withPolicy(parsed.options, context);
    return { kind: "run", options, flags: words.slice(0, words.length - rest.length), words: rest };
  }
  const parsed = await outcome("attach", parseOptions(args, values), context);
  if (parsed.kind === "end") return parsed;
  return { kind: "attach", options: await withPolicy(parsed.options, context), flags: args };
}

/** Adds the rules of the policy's file. Rejects with a {@linkcode StartFailed} if it can't be read or has a fault. */
async function withPolicy<T extends SharedOptions>(options: T, { read }: CommandLineContext): Promise<T> {
  const { policy: path, only } = options;
  if (path === null) return options;
  const { readPolicy } = await import("../policy/file/policy_file.ts");
  const { joinRules } = await import("../policy/names/rule_list.ts");
  try {
    return { ...options, rules: joinRules(only, await readPolicy(path, read(path))) };
  } catch (cause) {
    throw new StartFailed(ExitStatus.BAD_FLAGS, policyFailed(messageOf(cause)), { cause });
  }
}

/** Returns the options of a command that starts something; otherwise prints the help, the version or the error. */
async function outcome<T extends SharedOptions>(
  command: CommandName,
  parsing: Promise<OptionsOutcome<T>>,
  { version, stdout, stderr }: CommandLineContext,
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
  else if (parsed.options.version) stdout.line(await versionLines(version));
  else return parsed;
  return { kind: "end", status: ExitStatus.OK };
}

/** Prints help or completions. Their modules are loaded only here, because a start does not need them. */
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

/** The command `policy`. Its module is loaded only here. */
async function lookAtPolicy(args: readonly string[], { stdout, stderr, read }: CommandLineContext): Promise<Told> {
  const { policyCommand } = await import("./policy_command.ts");
  const { text, isError, status } = await policyCommand(args, read);
  (isError ? stderr : stdout).text(text);
  return { kind: "end", status };
}

/** Returns a suggestion for an unknown flag or an unexpected word; null: none. */
async function hint({ unknown, unexpected }: OptionsError, command: CommandName): Promise<string | null> {
  const { flagHint, wordHint } = await import("./help/help.ts");
  if (unexpected !== undefined) return wordHint(unexpected);
  return unknown === undefined ? null : flagHint(unknown, command);
}
