/**
 * The flags of the limits: one each, by the table in limits.ts.
 *
 * @module
 */
import { type LimitFlag, LIMITS, type Limits, type LimitSpec, mapLimits } from "../limits.ts";
import { Flag } from "./go_flags.ts";
import type { FlagHelp } from "./help/page.ts";
import { InvalidValue } from "./invalid_value.ts";
import { parseInteger } from "./numbers.ts";

/** By their names on the command line. */
export type LimitFlags = Readonly<Record<LimitFlag, Flag<number>>>;

/** Makes them, each at its limit's default. */
export function limitFlags(): LimitFlags {
  return byFlag(flagOf);
}

/** What help says of them. */
export function limitHelp(): Readonly<Record<LimitFlag, FlagHelp>> {
  return byFlag(({ what, whenFull, least, most }) => ({
    value: "NUMBER",
    group: "Limits and confinement",
    paragraphs: [`The most ${what}. When full, ${whenFull}. From ${least} to ${most}.`],
    complete: "none",
  }));
}

/** What they say. */
export function limitsOf(flags: LimitFlags): Limits {
  return mapLimits(({ flag }) => flags[flag].value);
}

function byFlag<T>(make: (spec: LimitSpec) => T): Record<LimitFlag, T> {
  return {
    "max-tcp-connections": make(LIMITS.tcpConnections),
    "max-half-open": make(LIMITS.halfOpen),
    "max-dials": make(LIMITS.dials),
    "max-udp-associations": make(LIMITS.udpAssociations),
    "max-fragmented-datagrams": make(LIMITS.fragmentedDatagrams),
    "max-out-of-order-bytes": make(LIMITS.outOfOrderBytes),
    "max-buffered-bytes": make(LIMITS.bufferedBytes),
    "max-icmp-errors": make(LIMITS.icmpErrors),
    "max-neighbour-packets": make(LIMITS.neighbourPackets),
    "max-dns-questions": make(LIMITS.dnsQuestions),
    "max-pings": make(LIMITS.pings),
    "max-ping-identifiers": make(LIMITS.pingIdentifiers),
  };
}

function flagOf({ what, whenFull, initial, least, most }: LimitSpec): Flag<number> {
  const usage = `The most ${what}; when full, ${whenFull}`;
  const parse = (text: string) => {
    const value = parseInteger(text, 0, Number.MAX_SAFE_INTEGER);
    if (value >= least && value <= most) return value;
    throw new InvalidValue(`value out of range: must be ${least} to ${most}`);
  };
  return new Flag("uint", usage, initial, parse, String(initial));
}
