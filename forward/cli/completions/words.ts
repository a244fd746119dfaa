/**
 * The parts that the completions of all shells share.
 *
 * @module
 */
import type { FlagRow } from "../flags/flag_row.ts";
import { type Command, COMMANDS, shownFlags, typedDefault } from "../help/commands.ts";
import { PAGES } from "../help/pages.ts";

/** The shells that there are completions for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** One of {@linkcode SHELLS}. */
export type Shell = (typeof SHELLS)[number];

/** The beginnings of values, for flags with these completions. */
export const BEGINNINGS: Readonly<Record<"forward" | "range" | "rule", readonly string[]>> = {
  forward: ["tcp://", "udp://", "udprpc://", "tcppp://", "udpspp://"],
  range: ["tcp://", "udp://"],
  rule: [
    "@npm",
    "@pypi",
    "@debian",
    "@go",
    "@cargo",
    "@github",
    "tls://",
    "http://",
    "quic://",
    "tcp://",
    "udp://",
    "dns://",
  ],
};

/** The beginnings of the address of `top`. */
export const ADDRESSES: readonly string[] = ["tcp://", "unix://"];

/** The topics of `help`, and what each is about. */
export const HELP_WORDS: readonly (readonly [word: string, meaning: string])[] = PAGES.map((
  { name, summary },
) => [name, summary]);

/** The flags of a command, with the line that a shell shows beside each. */
export function described(command: Command): { readonly name: string; row: FlagRow; readonly meaning: string }[] {
  return shownFlags(command).map(([name, row]) => {
    const initial = typedDefault(row, command);
    return { name, row, meaning: row.usage + (initial === "" ? "" : ` (default ${initial})`) };
  });
}

/** The command that needs no word. */
export const DEFAULT_COMMAND: Command = COMMANDS.find(({ typed }) => !typed)!;
/** The commands that need one. */
export const TYPED_COMMANDS: readonly Command[] = COMMANDS.filter(({ typed }) => typed);
