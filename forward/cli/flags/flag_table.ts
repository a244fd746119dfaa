/**
 * The table of all flags, one row each. The parser, `-h`, help, the manual page, the shells' completions and the README's
 * table are all made from its rows. They are in guest_flags.ts, policy_flags.ts and process_flags.ts; the limits have rows
 * of their own, in limits.ts. A new flag is a new row there and the code that uses its option; options.ts derives the
 * option's name and type from the row.
 *
 * Flags of the Go program keep its usage texts.
 *
 * Every start loads these modules, even one that only prints the usage, so they hold data only.
 *
 * @module
 */
import { limitFlag, type LimitRow, LIMITS } from "../../limits/limits.ts";
import type { CommandName, FlagRow } from "./flag_row.ts";
import { GUEST_FLAGS } from "./guest_flags.ts";
import { POLICY_FLAGS } from "./policy_flags.ts";
import { PROCESS_FLAGS } from "./process_flags.ts";

/** The flags by name, without those of the limits, in the order of help. */
export const FLAGS = {
  ...GUEST_FLAGS,
  ...POLICY_FLAGS,
  ...PROCESS_FLAGS,
} as const satisfies Readonly<Record<string, FlagRow>>;

/** The flags of a command by name, in the order of help: those of {@linkcode FLAGS}, and one for each limit. */
export function flagsOf(command: CommandName): Readonly<Record<string, FlagRow>> {
  const own = Object.entries<FlagRow>(FLAGS).filter(([, { only }]) => only === undefined || only === command);
  return Object.fromEntries([...own, ...Object.entries<LimitRow>(LIMITS).map(limitRow)]);
}

function limitRow([name, limit]: [string, LimitRow]): [name: string, row: FlagRow] {
  const { what, whenFull, reason, least, most } = limit;
  return [limitFlag(name), {
    kind: "limit",
    option: name,
    limit,
    default: limit.default,
    value: "NUMBER",
    group: "Limits",
    usage: `The most ${what}; when full, ${whenFull}`,
    help: [`The most ${what}. When full, ${whenFull}. From ${least} to ${most}. Reason for the default: ${reason}.`],
  }];
}
