/**
 * The usage that `-h` prints, and the line that points to it after an error. It needs only the table of flags, so it loads
 * fast.
 *
 * @module
 */
import { type CommandName, FLAG_KINDS, shownDefault } from "./flag_row.ts";
import { flagsOf } from "./flag_table.ts";
import { formatUsage } from "./go_flags.ts";
import { mapRecord } from "../../syntax/records.ts";

/** The program's name in texts. */
export const PROGRAM = "slirpnetstack";

/** The words that start a command: `slirpnetstack`, with the command's name if it has to be typed. */
export const COMMAND_LINES: Readonly<Record<CommandName, string>> = {
  attach: PROGRAM,
  run: `${PROGRAM} run`,
};

/** The line that follows the message about a wrong command line, without its newline. */
export function usagePointer(command: CommandName): string {
  const page = command === "attach" ? "" : ` ${command}`;
  return `Run \`${COMMAND_LINES[command]} -h\` for a list of the flags, \`${PROGRAM} help${page}\` for an explanation.`;
}

/** The usage of a command. Ends with a newline. */
export function usageOf(command: CommandName): string {
  const lines = mapRecord(flagsOf(command), (row) => {
    return { word: FLAG_KINDS[row.kind].word, usage: row.usage, shown: shownDefault(row, command) };
  });
  return formatUsage(COMMAND_LINES[command], lines);
}
