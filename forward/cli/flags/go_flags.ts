/**
 * Parses a command line like Go's flag package, as scripts written for the Go program expect it.
 *
 * `-flag` and `--flag` are the same. A flag's value follows an equals sign or is the next argument, whatever that looks
 * like; a boolean's value can only follow an equals sign. Flags end at `--`, which is dropped, at `-`, and at the first
 * argument without a dash. If a flag is repeated, its last value counts, or all of them, depending on the flag. `-h` and
 * `-help` ask for the usage unless there is a flag of that name. Values are set in the order of the arguments, and the
 * first error ends the parsing, so the messages are the same as Go's.
 *
 * A program makes a table of {@linkcode Flag} objects, hands it to {@linkcode parseFlags}, and reads their values.
 *
 * @module
 */
import { quote } from "../../syntax/go_quote.ts";
import { InvalidValue } from "../../syntax/invalid_value.ts";

/** A flag with a value of any type, as the parser sees it. */
export interface AnyFlag {
  /** Whether the flag needs no value on the command line. */
  readonly isBoolean: boolean;
  /** Takes a value from the command line. Throws or rejects with an {@linkcode InvalidValue}. */
  set(text: string): void | Promise<void>;
}

/** A flag and its value, which is the default until the command line sets it. */
export class Flag<T> implements AnyFlag {
  /** Whether the command line sets it, even to the default. */
  given = false;

  /**
   * @param value the default
   * @param parse reads a value; is also given the value so far, so that a repeatable flag can add to it
   */
  constructor(
    public value: T,
    private readonly parse: (text: string, soFar: T) => T | Promise<T>,
    readonly isBoolean: boolean = false,
  ) {}

  async set(text: string): Promise<void> {
    this.value = await this.parse(text, this.value);
    this.given = true;
  }
}

/** Flags by name, without dashes. */
export type FlagTable = Readonly<Record<string, AnyFlag>>;

/** The result of parsing: success, a request for the usage, or an error. */
export type FlagsOutcome =
  /** `rest`: the arguments behind the flags. */
  | { readonly kind: "parsed"; readonly rest: readonly string[] }
  | { readonly kind: "help" }
  /** `message`: one line that says what is wrong. `unknown`: the flag's name without dashes, if there is no such flag. */
  | { readonly kind: "error"; readonly message: string; readonly unknown?: string };

/**
 * Sets the table's flags from the arguments. Rejects only if a flag's parser throws an error other than
 * {@linkcode InvalidValue}.
 */
export async function parseFlags(table: FlagTable, args: readonly string[]): Promise<FlagsOutcome> {
  let next = 0;
  while (next < args.length) {
    const arg = args[next];
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
    if (value === undefined && next < args.length) value = args[next++];
    if (value === undefined) return { kind: "error", message: `flag needs an argument: -${name}` };
    const reason = await trySet(flag, value);
    if (reason !== null) return { kind: "error", message: invalidValueMessage(flag, name, value, reason) };
  }
  return { kind: "parsed", rest: args.slice(next) };
}

/** A flag as the usage shows it. */
export interface UsageLine {
  /** The word for the value; empty for a boolean, which takes none. */
  readonly word: string;
  /** The purpose of the flag, in a few words. */
  readonly usage: string;
  /** The default as it is shown; empty: not shown, as Go does with zero values. */
  readonly shown: string;
}

/**
 * The usage in the layout of Go's PrintDefaults: `Usage of PROGRAM:`, then each flag in alphabetical order with its
 * type, and on a line of its own its purpose and its default. Ends with a newline.
 */
export function formatUsage(program: string, table: Readonly<Record<string, UsageLine>>): string {
  let text = `Usage of ${program}:\n`;
  for (const name of Object.keys(table).sort()) {
    const { word, usage, shown } = table[name];
    const head = word === "" ? `  -${name}` : `  -${name} ${word}`;
    // Go puts the usage of a boolean of one letter on the same line: four columns and a tab.
    const gap = head.length <= 4 ? "\t" : "\n    \t";
    text += `${head}${gap}${usage.replaceAll("\n", "\n    \t")}${shown === "" ? "" : ` (default ${shown})`}\n`;
  }
  return text;
}

/** Sets the flag. Returns null, or the reason why the value is invalid. */
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

/** A boolean in the spellings of Go's strconv.ParseBool. Throws an {@linkcode InvalidValue}. */
export function parseBoolean(text: string): boolean {
  if (TRUE.includes(text)) return true;
  if (FALSE.includes(text)) return false;
  throw new InvalidValue("parse error");
}
