/**
 * The type of a row in the table of flags, and functions that read a row.
 *
 * @module
 */
import type { LimitRow } from "../../limits/limits.ts";
import { quote } from "../../syntax/go_quote.ts";

/** The commands that have flags. `attach` is the default, when no command is named. */
export type CommandName = "attach" | "run";

/** The headings under which flags are explained, in this order. */
export const FLAG_GROUPS = [
  "Guest",
  "Policy",
  "Forwards",
  "Host side",
  "Limits",
  "Observation",
  "Process",
  "Information",
] as const;

/** One of {@linkcode FLAG_GROUPS}. */
export type FlagGroup = (typeof FLAG_GROUPS)[number];

/** The words that a shell offers for a flag's value. */
export type Completion =
  /** Nothing: a shell can't know the value, or there is none. */
  | "none"
  | "file"
  /** The network namespaces of /run/netns and of processes. */
  | "netns"
  | "interface"
  /** The beginnings of forwards and of ranges. */
  | "forward"
  | "range"
  /** The beginnings of rules: presets and kinds. */
  | "rule"
  /** One of these. */
  | readonly string[];

/** The properties that all flags of one kind share. */
interface KindRow {
  /** The word for the value in the usage, in Go's style; empty: a boolean, which takes none. */
  readonly word: string;
  /** The words that a shell offers. Not given: none. */
  readonly complete?: Completion;
  /** Whether each use of the flag adds to the ones before. */
  readonly repeatable?: true;
}

/** The kinds of values. flag_values.ts has the parser of each. */
export const FLAG_KINDS = {
  boolean: { word: "" },
  text: { word: "string" },
  path: { word: "string", complete: "file" },
  choice: { word: "string" },
  duration: { word: "duration" },
  mtu: { word: "uint" },
  pid: { word: "uint" },
  limit: { word: "uint" },
  integer: { word: "int" },
  /** A file descriptor. */
  descriptor: { word: "int" },
  /** A file descriptor that is no standard stream. */
  spareDescriptor: { word: "int" },
  localForward: { word: "value", complete: "forward", repeatable: true },
  remoteForward: { word: "value", complete: "forward", repeatable: true },
  allowedRange: { word: "value", complete: "range", repeatable: true },
  deniedRange: { word: "value", complete: "range", repeatable: true },
  nameRule: { word: "value", complete: "rule", repeatable: true },
  cidr: { word: "value" },
  ipv4: { word: "value" },
  ipv6: { word: "value" },
  /** A hardware address of 6 bytes. */
  macAddress: { word: "value" },
  metricsAddress: { word: "value" },
  unixAddress: { word: "value" },
  user: { word: "value" },
} as const satisfies Readonly<Record<string, KindRow>>;

/** One of {@linkcode FLAG_KINDS}. */
export type FlagKind = keyof typeof FLAG_KINDS;

/** A default as it is typed on the command line, except numbers and booleans. */
export type FlagDefault = boolean | string | number;

/** A flag. */
export interface FlagRow {
  readonly kind: FlagKind;
  /** The words that a `choice` is one of. */
  readonly choices?: readonly string[];
  /** Not given: false, an empty list, or null for "not given". */
  readonly default?: FlagDefault;
  /** The default with `run` where it differs. */
  readonly runDefault?: FlagDefault;
  /** The one command that has the flag; not given: both. */
  readonly only?: CommandName;
  /** The name of the option. Not given: the flag's name in camel case. */
  readonly option?: string;
  /** The word for the value in texts, such as `PATH`. Booleans have none. */
  readonly value?: string;
  readonly group: FlagGroup;
  /** Whether it is one of the dozen flags that the README shows. */
  readonly everyday?: true;
  /** The line for `-h` and the shells. */
  readonly usage: string;
  /** The paragraphs of help and the manual page, in the markup of help/page.ts. The first sentence is the README's. */
  readonly help: readonly [string, ...string[]];
  /** The words that a shell offers, in place of those of the kind. */
  readonly complete?: Completion;
  /** The limit that the flag sets. */
  readonly limit?: LimitRow;
}

/** A flag's default with a command; undefined: none. */
export function defaultOf(row: FlagRow, command: CommandName): FlagDefault | undefined {
  return command === "run" ? row.runDefault ?? row.default : row.default;
}

/** The default as the usage shows it, in Go's style: no zero values, and texts in quotes. Empty: not shown. */
export function shownDefault(row: FlagRow, command: CommandName): string {
  const value = defaultOf(row, command);
  if (value === undefined || value === false || value === 0) return "";
  return row.kind === "text" || row.kind === "choice" ? quote(String(value)) : String(value);
}

/** The words that a shell offers for the flag's value. */
export function completionOf({ kind, choices, complete }: FlagRow): Completion {
  const shared: KindRow = FLAG_KINDS[kind];
  return complete ?? choices ?? shared.complete ?? "none";
}

/** Whether each use of the flag adds to the ones before. */
export function isRepeatable({ kind }: FlagRow): boolean {
  const shared: KindRow = FLAG_KINDS[kind];
  return shared.repeatable ?? false;
}
