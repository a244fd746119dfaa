/**
 * The command lines of the scripts: `--name VALUE`, `--name=VALUE` and `--flag`.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";

/** What a script's command line may have, by the names of options without their dashes. */
export interface Expected {
  /** Options with a value. */
  readonly values?: readonly string[];
  /** Options without one. */
  readonly flags?: readonly string[];
  /** How many words may stand beside the options; none unless given. */
  readonly words?: number;
}

/** The command line can't be followed; the message says what was wrong. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** What a command line has. */
export interface Arguments {
  /** The value of an option that is given once; of several, the last. Null: it is not given. */
  value(name: string): string | null;
  /** The values of an option that may be given several times. */
  values(name: string): readonly string[];
  /** Whether a flag is given. */
  has(flag: string): boolean;
  readonly words: readonly string[];
}

/** Takes a command line apart. Throws a {@linkcode UsageError} for what is not expected, and for a value that is empty. */
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

/** {@linkcode readArguments} for a script that ends with its usage and status 2 where the command line is wrong. */
export function argumentsOr(usage: string, args: readonly string[], expected: Expected): Arguments {
  try {
    return readArguments(args, expected);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return fail(`${error.message}\n${usage}`);
  }
}

/** Ends a script whose command line is wrong. */
export function fail(message: string): never {
  console.error(message);
  Deno.exit(2);
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
