/**
 * The command line as options: the values of all flags, by their rows in the table of flags.
 *
 * @module
 */
import type { StackAddresses } from "../../../stack/base/link_addresses.ts";
import type { Limits } from "../../limits/limits.ts";
import type { RuleList } from "../../policy/names/rule_list.ts";
import { mapRecord } from "../../syntax/records.ts";
import { type CommandName, defaultOf, type FlagRow } from "./flag_row.ts";
import { FLAGS, flagsOf } from "./flag_table.ts";
import { RUN_MTU } from "./guest_flags.ts";
import { type KindValues, makeFlag, type UserIds, type ValueContext, valueReaders } from "./flag_values.ts";
import { parseFlags } from "./go_flags.ts";
import { quote } from "../../syntax/go_quote.ts";
import { type Manner, OWN_MANNER } from "./manner.ts";
import { usageOf } from "./usage.ts";

type Rows = typeof FLAGS;

/** The flags that only one command has, or (`both`) those that both have. */
type FlagsFor<Whose extends CommandName | "both"> = {
  [Name in keyof Rows]: Rows[Name] extends { only: CommandName } ? (Rows[Name]["only"] extends Whose ? Name : never)
    : ("both" extends Whose ? Name : never);
}[keyof Rows];

/** `dns-ttl` is the option `dnsTtl`, unless the row has another name for it. */
type OptionName<Name extends keyof Rows> = Rows[Name] extends { option: infer Option extends string } ? Option
  : CamelCase<Name>;
type CamelCase<Name extends string> = Name extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Name;

/** The type of a flag's value. That of a choice is one of its words, or null if it has no default. */
type ValueOf<Row extends FlagRow> = Row extends { choices: readonly (infer Word)[] }
  ? (Row extends { default: string } ? Word : Word | null)
  : KindValues[Row["kind"]];

/** The values of flags by the names of their options. */
type Values<Whose extends CommandName | "both"> = {
  readonly [Name in FlagsFor<Whose> as OptionName<Name>]: ValueOf<Rows[Name]>;
};

/** The options that `attach` and `run` share. Each is explained in the row of its flag. */
export interface SharedOptions extends Omit<Values<"both">, "disableRouting" | "disableHostNetworks"> {
  readonly limits: Limits;
  readonly user: UserIds | null;
  /** The path of slirp4netns' API socket, which its own command line has; null: none. */
  readonly apiSocket: string | null;
  /** How the guest is served beyond what flags say. */
  readonly manner: Manner;
  /**
   * The names that the guest's name server answers for: all that the host's servers know, only those of `-allow`, or only
   * those that have rules. It is `allowed` if routing is off and `-dns` was not given, because questions are a way out too.
   */
  readonly dnsNames: DnsNames;
  /** The rules that say what the guest may reach, of `-only` and of `-policy`; null: neither is given. */
  readonly rules: RuleList | null;
}

/** The names that the guest's name server answers for. */
export type DnsNames = "all" | "allowed" | "ruled";

/** The options of `attach`, for a guest that exists. */
export interface Options extends SharedOptions, Omit<Values<"attach">, "pid" | "user"> {}

/** The options of `run`, which makes the guest. */
export interface RunOptions extends SharedOptions, Values<"run"> {}

/** The result of {@linkcode parseOptions}. */
export type OptionsOutcome<T = Options> =
  /** `rest`: the arguments behind the flags. */
  | { readonly kind: "options"; readonly options: T; readonly rest: readonly string[] }
  /** The usage was asked for. Ends with a newline. */
  | { readonly kind: "help"; readonly usage: string }
  | OptionsError;

/** An error in a command line. */
export interface OptionsError {
  readonly kind: "error";
  /** One line without its newline. */
  readonly message: string;
  /** The name, without dashes, of an unknown flag. */
  readonly unknown?: string;
  /** A word where none belongs. */
  readonly unexpected?: string;
}

/**
 * Reads the command line of a guest that exists. No word may follow the flags.
 *
 * @param args the arguments behind the program's name
 */
export async function parseOptions(args: readonly string[], context: ValueContext): Promise<OptionsOutcome> {
  const outcome = await readValues("attach", args, context);
  if (outcome.kind !== "values") return outcome;
  const [unexpected] = outcome.rest;
  if (unexpected !== undefined) {
    // a user who mistyped a command does not want to be attached to their own namespace
    return { kind: "error", message: `unexpected argument ${quote(unexpected)}`, unexpected };
  }
  const { pid, ...values } = withoutOlderSpellings(outcome.values);
  const message = attachContradiction({ pid, ...values });
  if (message !== null) return { kind: "error", message };
  const netns = values.netns ?? (pid === null ? null : `/proc/${pid}/ns/net`);
  const shared = { ...values, netns, apiSocket: null, manner: OWN_MANNER, dnsNames: "all" } as const;
  return { kind: "options", options: withRules(shared, outcome.given), rest: [] };
}

/**
 * Reads the command line of `run`. The words that follow the flags are the command; none: a shell.
 *
 * @param args the arguments behind `run`
 */
export async function parseRunOptions(
  args: readonly string[],
  context: ValueContext,
): Promise<OptionsOutcome<RunOptions>> {
  const outcome = await readValues("run", args, context);
  if (outcome.kind !== "values") return outcome;
  const values = withoutOlderSpellings(outcome.values);
  return {
    kind: "options",
    options: withRules({
      ...values,
      user: null,
      apiSocket: null,
      manner: OWN_MANNER,
      mtu: values.mtu || RUN_MTU,
      dnsNames: values.enableRouting || outcome.given.has("dns") ? "all" : "allowed",
    }, outcome.given),
    rest: outcome.rest,
  };
}

/**
 * Applies the consequences of `-only` and `-policy`: nothing but the rules is open, and they decide about DNS questions.
 * With `-observe`, everything else is open too, and is reported.
 * The rules of the policy file are added when it is read.
 */
function withRules<V extends Pick<SharedOptions, "enableRouting" | "dns" | "icmp" | "dnsNames" | "only" | "observe">>(
  values: V,
  given: ReadonlySet<string>,
): V & { readonly rules: RuleList | null } {
  if (!hasRules(given)) return { ...values, rules: null };
  const icmp = given.has("icmp") ? values.icmp : "local";
  const rules = {
    names: values.only.filter((rule) => rule.about === "name"),
    addresses: values.only.filter((rule) => rule.about === "addresses"),
  };
  return { ...values, icmp, enableRouting: values.observe, dns: true, dnsNames: "ruled", rules };
}

function hasRules(given: ReadonlySet<string>): boolean {
  return given.has("only") || given.has("policy") || given.has("observe");
}

/** A "disable" overrides an "enable", wherever it stands. */
function withoutOlderSpellings<V extends Pick<Values<"both">, "enableRouting" | "enableHost" | Older>>(
  { disableRouting, disableHostNetworks, ...values }: V,
): Omit<V, Older> {
  return {
    ...values,
    enableRouting: values.enableRouting && !disableRouting,
    enableHost: values.enableHost && !disableHostNetworks,
  };
}

type Older = "disableRouting" | "disableHostNetworks";

/** The values of all flags of a command. */
type CommandValues<Command extends CommandName> = Values<"both"> & Values<Command> & { readonly limits: Limits };

async function readValues<Command extends CommandName>(
  command: Command,
  args: readonly string[],
  context: ValueContext,
): Promise<
  | {
    readonly kind: "values";
    readonly values: CommandValues<Command>;
    readonly rest: readonly string[];
    /** The names of the flags that were on the command line. */
    readonly given: ReadonlySet<string>;
  }
  | Exclude<OptionsOutcome, { kind: "options" }>
> {
  const rows = flagsOf(command), addresses = await addressesAsked(rows, args, context);
  const readers = valueReaders({ ...context, addresses });
  const flags = mapRecord(rows, (row) => makeFlag(row, defaultOf(row, command), readers));
  const outcome = await parseFlags(flags, args);
  if (outcome.kind === "help") return { kind: "help", usage: usageOf(command) };
  if (outcome.kind === "error") return outcome;
  const values: Record<string, unknown> = {}, limits: Record<string, unknown> = {};
  for (const [name, { option, limit }] of Object.entries(rows)) {
    (limit === undefined ? values : limits)[option ?? camelCase(name)] = flags[name].value;
  }
  const all = { ...values, limits } as CommandValues<Command>; // each value has the type of the row that it was read by
  const given = new Set(Object.keys(flags).filter((name) => flags[name].given));
  const message = contradiction(command, all, given);
  if (message !== null) return { kind: "error", message };
  return { kind: "values", values: all, rest: outcome.rest, given };
}

/**
 * The addresses in the network of `-cidr`, which the values of other flags depend on, wherever it stands. Mistakes are
 * left to the reading of all values.
 */
async function addressesAsked(
  rows: Readonly<Record<string, FlagRow>>,
  args: readonly string[],
  context: ValueContext,
): Promise<StackAddresses> {
  const cidr = makeFlag(FLAGS.cidr, FLAGS.cidr.default, valueReaders(context));
  const others = mapRecord(rows, ({ kind }) => ({ isBoolean: kind === "boolean", set: () => {} }));
  await parseFlags({ ...others, cidr }, args);
  return cidr.value;
}

/** Returns the error in a combination of valid flags; null: none. */
function contradiction(
  command: CommandName,
  { sockets, sourceIpv4, sourceIpv6, enableRouting, disableRouting, dns }: Pick<
    Values<"both">,
    "sockets" | "sourceIpv4" | "sourceIpv6" | "enableRouting" | "disableRouting" | "dns"
  >,
  given: ReadonlySet<string>,
): string | null {
  if (hasRules(given)) {
    const rules = ["only", "policy", "observe"].filter((flag) => given.has(flag)).map((flag) => `-${flag}`)[0];
    if (given.has("enable-routing") && enableRouting && !disableRouting) {
      return `-enable-routing opens the internet, and ${rules} nothing but its rules: give one of them`;
    }
    if (given.has("dns") && !dns) return `${rules} needs -dns: names are judged where they are asked for`;
  }
  if (command === "run" && hasRules(given) && given.has("api")) {
    return "-api can't be given with -only or -policy: the command of run could open the socket, and change its rules";
  }
  if (given.has("learn") && !hasRules(given)) return "-learn needs -observe, or rules of -only or -policy";
  if (sockets !== "deno" || (sourceIpv4 === null && sourceIpv6 === null)) return null;
  const flag = sourceIpv4 !== null ? "-source-ipv4" : "-source-ipv6";
  return `${flag} needs -sockets libc: the runtime cannot choose a source address`;
}

/** Returns the error in a combination of flags for a guest that exists; null: none. */
function attachContradiction(
  { bess, netns, pid, fd, configure, makeTap, macAddress }: Pick<
    Values<"attach"> & Values<"both">,
    "bess" | "netns" | "pid" | "fd" | "configure" | "makeTap" | "macAddress"
  >,
): string | null {
  if (macAddress !== null && !configure) return "-mac-address needs -configure";
  if (bess === null) return null;
  const others = { netns: netns !== null, pid: pid !== null, fd: fd !== null, configure, "make-tap": makeTap };
  const other = Object.entries(others).find(([, given]) => given)?.[0];
  return other === undefined ? null : `-bess and -${other} exclude each other`;
}

function camelCase(name: string): string {
  return name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
