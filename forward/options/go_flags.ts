/**
 * A command line in the manner of Go's flag package, as scripts written for the Go program expect it.
 *
 * `-flag` and `--flag` are the same. A flag takes its value from behind an equals sign or from the next argument
 * (whatever that looks like), a boolean only from behind an equals sign. Flags end at `--`, which is dropped, at `-`,
 * and at the first argument that starts with no dash. The last of several values counts, or all of them, as the flag
 * has it. `-h` and `-help` ask for the usage unless there is a flag of that name. Values are set in the order of the
 * arguments, and the first that is wrong ends it: so messages are the same as Go's, one at a time.
 *
 * A program makes a table of {@linkcode Flag} objects, hands it to {@linkcode parseFlags}, and reads their values.
 *
 * @module
 */
import { parseDuration } from "./duration.ts";
import { quote } from "./go_quote.ts";
import { InvalidValue } from "./invalid_value.ts";
import { parseInteger } from "./numbers.ts";

/** What the parser and the usage need to know of a flag, whatever the type of its value. */
export interface AnyFlag {
  /** The word for the value in the usage; empty for a boolean, which takes none. */
  readonly type: string;
  /** What the flag does, in a few words. */
  readonly usage: string;
  /** The default as the usage shows it; empty: not shown, as Go does with zero values. */
  readonly shown: string;
  readonly isBoolean: boolean;
  /** Takes a value from the command line. Throws or rejects with an {@linkcode InvalidValue}. */
  set(text: string): void | Promise<void>;
}

/** A flag and its value: the default until the command line said otherwise. */
export class Flag<T> implements AnyFlag {
  /**
   * @param value the default
   * @param parse reads a value; is also given the value so far, so that a repeatable flag can add to it
   */
  constructor(
    readonly type: string,
    readonly usage: string,
    public value: T,
    private readonly parse: (text: string, soFar: T) => T | Promise<T>,
    readonly shown: string = "",
    readonly isBoolean: boolean = false,
  ) {}

  async set(text: string): Promise<void> {
    this.value = await this.parse(text, this.value);
  }
}

/** A boolean: `-flag`, `-flag=true`, `-flag=0`, in the spellings of Go's strconv.ParseBool. */
export function booleanFlag(initial: boolean, usage: string): Flag<boolean> {
  return new Flag("", usage, initial, parseBoolean, initial ? "true" : "", true);
}

/** A text, taken as it is. */
export function stringFlag(initial: string, usage: string): Flag<string> {
  return new Flag("string", usage, initial, (text) => text, initial === "" ? "" : quote(initial));
}

/** A whole number that is not negative. `check` may throw an {@linkcode InvalidValue}. */
export function uintFlag(initial: number, usage: string, check: (value: number) => void): Flag<number> {
  const parse = (text: string) => {
    const value = parseInteger(text, 0, Number.MAX_SAFE_INTEGER);
    check(value);
    return value;
  };
  return new Flag("uint", usage, initial, parse, initial === 0 ? "" : String(initial));
}

/**
 * A whole number, or null where the flag is not given. `check` may throw an {@linkcode InvalidValue}.
 */
export function intFlag(usage: string, check: (value: number) => void = () => {}): Flag<number | null> {
  return new Flag<number | null>("int", usage, null, (text) => {
    const value = parseInteger(text, -MAX_INT32 - 1, MAX_INT32);
    check(value);
    return value;
  });
}

/** The largest that is of use to anybody here. */
const MAX_INT32 = 0x7fff_ffff;

/** A duration as Go writes it; the value is in ms. */
export function durationFlag(initial: string, usage: string): Flag<number> {
  return new Flag("duration", usage, parseDuration(initial), parseDuration, initial);
}

/** A list to which each use of the flag adds. */
export function listFlag<T>(
  usage: string,
  parse: (text: string) => readonly T[] | Promise<readonly T[]>,
): Flag<readonly T[]> {
  return new Flag<readonly T[]>("value", usage, [], async (text, soFar) => [...soFar, ...await parse(text)]);
}

/** One of several words. */
export function choiceFlag<T extends string>(initial: T, choices: readonly T[], usage: string): Flag<T> {
  const parse = (text: string) => {
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw new InvalidValue(`must be one of ${choices.join(", ")}`);
    return found;
  };
  return new Flag("string", usage, initial, parse, quote(initial));
}

/** Flags by name, without dashes. */
export type FlagTable = Readonly<Record<string, AnyFlag>>;

/** The end of parsing: all is well, the usage was asked for, or something is wrong. */
export type FlagsOutcome =
  /** `rest`: the arguments behind the flags. */
  | { readonly kind: "parsed"; readonly rest: readonly string[] }
  | { readonly kind: "help" }
  /** `message`: one line that says what is wrong. `unknown`: the flag's name without dashes, if there is no such flag. */
  | { readonly kind: "error"; readonly message: string; readonly unknown?: string };

/**
 * Sets the table's flags from the arguments. Rejects only with what a flag's parser threw that is no
 * {@linkcode InvalidValue}.
 */
export async function parseFlags(table: FlagTable, args: readonly string[]): Promise<FlagsOutcome> {
  let next = 0;
  while (next < args.length) {
    const arg = args[next]!;
    if (arg === "--") return { kind: "parsed", rest: args.slice(next + 1) };
    if (arg.length < 2 || arg[0] !== "-") break;
    next++;
    const body = arg.slice(arg[1] === "-" ? 2 : 1);
    if (body[0] === "-" || body[0] === "=") return { kind: "error", message: `bad flag syntax: ${arg}` };
    const equals = body.indexOf("=");
    const name = equals < 0 ? body : body.slice(0, equals);
    let value = equals < 0 ? undefined : body.slice(equals + 1);
    const flag = Object.hasOwn(table, name) ? table[name] : undefined;
    if (flag === undefined) {
      if (name === "h" || name === "help") return { kind: "help" };
      return { kind: "error", message: `flag provided but not defined: -${name}`, unknown: name };
    }
    if (value === undefined && flag.isBoolean) value = "true";
    if (value === undefined && next < args.length) value = args[next++]!;
    if (value === undefined) return { kind: "error", message: `flag needs an argument: -${name}` };
    const reason = await trySet(flag, value);
    if (reason !== null) return { kind: "error", message: invalidValueMessage(flag, name, value, reason) };
  }
  return { kind: "parsed", rest: args.slice(next) };
}

/**
 * The usage in the layout of Go's PrintDefaults: `Usage of PROGRAM:`, then each flag in the order of the alphabet, its
 * type, and on a line of its own what it does and its default. Ends with a newline.
 */
export function formatUsage(program: string, table: FlagTable): string {
  let text = `Usage of ${program}:\n`;
  for (const name of Object.keys(table).sort()) {
    const { type, usage, shown } = table[name]!;
    const head = type === "" ? `  -${name}` : `  -${name} ${type}`;
    // Go puts the usage of a boolean of one letter on the same line: four columns and a tab.
    const gap = head.length <= 4 ? "\t" : "\n    \t";
    text += `${head}${gap}${usage.replaceAll("\n", "\n    \t")}${shown === "" ? "" : ` (default ${shown})`}\n`;
  }
  return text;
}

/** Null when the flag took the value, or why it did not. */
async function trySet(flag: AnyFlag, value: string): Promise<string | null> {
  try {
    await flag.set(value);
    return null;
  } catch (error) {
    if (error instanceof InvalidValue) return error.message;
    throw error;
  }
}

function invalidValueMessage(flag: AnyFlag, name: string, value: string, reason: string): string {
  return flag.isBoolean
    ? `invalid boolean value ${quote(value)} for -${name}: ${reason}`
    : `invalid value ${quote(value)} for flag -${name}: ${reason}`;
}

const TRUE = ["1", "t", "T", "TRUE", "true", "True"];
const FALSE = ["0", "f", "F", "FALSE", "false", "False"];

function parseBoolean(text: string): boolean {
  if (TRUE.includes(text)) return true;
  if (FALSE.includes(text)) return false;
  throw new InvalidValue("parse error");
}
