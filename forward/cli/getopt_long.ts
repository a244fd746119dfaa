/**
 * A command line in the manner of getopt_long(3), as the programs read theirs that this one stands in for.
 *
 * Options may stand before, between and after the words. `--name=value`, `--name value`, `-nvalue` and `-n value` are the
 * same, and options of one letter may be written together (`-c6`). A long option may be abbreviated as long as it is the
 * only one that begins so. `--` ends the options. The environment variable POSIXLY_CORRECT has no effect.
 *
 * @module
 */

/** An option that a program has. */
export interface GetoptRow {
  /** The long name, without dashes. */
  readonly name: string;
  /** The short name, one letter, if there is one. */
  readonly short?: string;
  /** The word for its argument in texts; not given: it takes none. */
  readonly argument?: string;
}

/** An option of the command line. */
export interface FoundOption<Name extends string = string> {
  readonly name: Name;
  /** Empty if the option takes none. */
  readonly argument: string;
}

/** What {@linkcode getoptLong} found. */
export interface GetoptResult<Name extends string = string> {
  /** The options in their order, up to the first error. */
  readonly options: readonly FoundOption<Name>[];
  /** The words that are no options, in their order. */
  readonly words: readonly string[];
  /** What is wrong, in the C library's words after the program's name; null: nothing. */
  readonly error: string | null;
}

/** Reads the arguments after the program's name. Each option keeps its order, as a program handles them one by one. */
export function getoptLong<Row extends GetoptRow>(
  args: readonly string[],
  rows: readonly Row[],
): GetoptResult<Row["name"]> {
  const options: FoundOption<Row["name"]>[] = [], words: string[] = [];
  const failed = (error: string) => ({ options, words, error });
  for (let next = 0; next < args.length;) {
    const arg = args[next++];
    if (arg === "--") {
      words.push(...args.slice(next));
      break;
    }
    if (arg.length < 2 || arg[0] !== "-") {
      words.push(arg);
    } else if (arg[1] === "-") {
      const equals = arg.indexOf("="), typed = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
      const found = findLong(typed, arg, rows);
      if (typeof found === "string") return failed(found);
      const { name, argument: word } = found;
      if (word === undefined && equals >= 0) return failed(`option '--${name}' doesn't allow an argument`);
      if (word !== undefined && equals < 0 && next === args.length) {
        return failed(`option '--${name}' requires an argument`);
      }
      options.push({ name, argument: word === undefined ? "" : equals < 0 ? args[next++] : arg.slice(equals + 1) });
    } else {
      for (let at = 1; at < arg.length; at++) {
        const row = rows.find(({ short }) => short === arg[at]);
        if (row === undefined) return failed(`invalid option -- '${arg[at]}'`);
        if (row.argument === undefined) {
          options.push({ name: row.name, argument: "" });
          continue;
        }
        const rest = arg.slice(at + 1);
        if (rest === "" && next === args.length) return failed(`option requires an argument -- '${arg[at]}'`);
        options.push({ name: row.name, argument: rest === "" ? args[next++] : rest });
        break;
      }
    }
  }
  return { options, words, error: null };
}

/** The option with that name, or the only one whose name begins so; otherwise what is wrong. `arg`: as it was typed. */
function findLong<Row extends GetoptRow>(typed: string, arg: string, rows: readonly Row[]): Row | string {
  const exact = rows.find(({ name }) => name === typed);
  if (exact !== undefined) return exact;
  const begun = rows.filter(({ name }) => name.startsWith(typed));
  if (begun.length === 1) return begun[0];
  if (begun.length === 0) return `unrecognized option '${arg}'`;
  return `option '${arg}' is ambiguous; possibilities: ${begun.map(({ name }) => `'--${name}'`).join(" ")}`;
}

/** The lines of help about options, without newlines: names in that many columns, then the text. Rows without a text have none. */
export function optionHelp(rows: readonly (GetoptRow & { readonly help?: string })[], columns: number): string[] {
  return rows.flatMap(({ name, short, argument, help }) => {
    if (help === undefined) return [];
    const names = `${short === undefined ? "    " : `-${short}, `}--${name}${
      argument === undefined ? "" : `=${argument}`
    }`;
    return [`${names.padEnd(columns)} ${help}`];
  });
}
