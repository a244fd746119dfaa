/**
 * The flags of `slirpnetstack run`, which makes its guest itself.
 *
 * @module
 */
import type { OwnNames } from "../policy/name_guard.ts";
import { booleanFlag, formatUsage, parseFlags, uintFlag } from "./go_flags.ts";
import {
  checkMtu,
  dnsFlag,
  icmpFlag,
  type OptionsOutcome,
  sandboxFlag,
  sharedFlags,
  type SharedOptions,
  sharedOptions,
} from "./options.ts";
import type { Resolver } from "./resolver.ts";

/** The guest's MTU unless it is said otherwise: the largest that slirp4netns' users are used to, a multiple of 16. */
export const RUN_MTU = 65_520;

/** What the command line asks for. */
export interface RunOptions extends SharedOptions {
  /** The user keeps the own ids in there, and is not root. */
  readonly keepUser: boolean;
  /** A user namespace also where none is needed. */
  readonly userNamespace: boolean;
  /** Lines about the program, its forwards and connections on stderr. */
  readonly verbose: boolean;
}

/** The flags by name. What help says of each is in help/flags.ts. */
export type RunTable = ReturnType<typeof makeRunTable>;

/** The table of the flags, each with its default. */
export function makeRunTable(resolve: Resolver, own?: OwnNames) {
  return {
    "user-keep": booleanFlag(false, "Run the command with the user's own ids, not as root of a user namespace"),
    "userns": booleanFlag(false, "Make a user namespace also when run by root"),
    "verbose": booleanFlag(false, "Print what happens, and a line for each connection, on stderr"),
    "mtu": uintFlag(RUN_MTU, "MTU of the guest", checkMtu),
    "dns": dnsFlag(true),
    "icmp": icmpFlag("auto"),
    "sandbox": sandboxFlag(true),
    ...sharedFlags(resolve, own),
  };
}

/**
 * Reads the command line. Names in ranges are resolved on the way. What is left is the command; none: a shell.
 *
 * @param args the arguments behind `run`
 * @param own names that may stand for addresses that are never routed
 */
export async function parseRunOptions(
  args: readonly string[],
  resolve: Resolver,
  own?: OwnNames,
): Promise<OptionsOutcome<RunOptions>> {
  const table = makeRunTable(resolve, own);
  const outcome = await parseFlags(table, args);
  if (outcome.kind !== "parsed") return { ...outcome, usage: formatUsage("slirpnetstack run", table) };
  const options = {
    ...sharedOptions(table),
    mtu: table.mtu.value || RUN_MTU,
    keepUser: table["user-keep"].value,
    userNamespace: table.userns.value,
    verbose: table.verbose.value,
  };
  return { kind: "options", options, rest: outcome.rest };
}
