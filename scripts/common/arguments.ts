/**
 * The command lines of the scripts: `--name VALUE`, `--name=VALUE` and `--flag`.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";

/** The options of a script, by their names without dashes. */
export interface Expected {
  /** Options with a value. */
  readonly values?: readonly string[];
  /** Options without one. */
  readonly flags?: readonly string[];
  /** The number of words allowed beside the options; none unless given. */
  readonly words?: number;
}

/** The command line is wrong; the message says how. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** A parsed command line. */
export interface Arguments {
  /** The value of an option, the last one if it is given several times. Null: it is not given. */
  value(name: string): string | null;
  /** All values of an option that may be given several times. */
  values(name: string): readonly string[];
  /** Whether a flag is given. */
  has(flag: string): boolean;
  readonly words: readonly string[];
}

/** Parses a command line. Throws a {@linkcode UsageError} for an unknown option or word, and for an empty value. */
export function readArguments(args: readonly string[], expected: Expected): Arguments {
  const { values: valued = [], flags = [], words: most = 0 } = expected;
  const parse: (args: readonly string[], options: Record<string, unknown>) => Record<string, unknown> = parseArgs;
  const parsed = parse(args, {
    string: ["_", ...valued],
    boolean: flags,
    collect: valued,
    unknown: (arg: string, key?: string) => {
      if (key !== undefined) throw new UsageError(`unknown: ${arg}`);
    },
  });
  const values = (name: string) => texts(parsed[name]);
  for (const name of valued) if (values(name).includes("")) throw new UsageError(`--${name} needs a value`);
  const words = texts(parsed._);
  if (words.length > most) throw new UsageError(`unknown: ${words[most]}`);
  return {
    value: (name) => values(name).at(-1) ?? null,
    values,
    has: (flag) => parsed[flag] === true,
    words,
  };
}

/** {@linkcode readArguments} for a script: a wrong command line ends it with its usage and status 2. */
export function argumentsOr(usage: string, args: readonly string[], expected: Expected): Arguments {
  try {
    return readArguments(args, expected);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return fail(`${error.message}\n${usage}`);
  }
}

/** Ends a script with status 2, for a wrong command line. */
export function fail(message: string): never {
  console.error(message);
  Deno.exit(2);
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
