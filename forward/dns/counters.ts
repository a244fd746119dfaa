/**
 * How the guest's questions end, and how many did so.
 *
 * @module
 */
import type { DnsNetwork } from "./servers.ts";

/** What became of a question. */
export type DnsOutcome =
  /** A server's answer was passed on: that there is an answer, that there is no such name, or any other code. */
  | "noerror"
  | "nxdomain"
  | "error"
  /** No server has answered in time. */
  | "timeout"
  /** No server could be reached. */
  | "unreachable"
  /** It was answered, or refused, by the program itself, as only names of `-allow` may be asked for. */
  | "allowed"
  | "refused"
  /** It was none. */
  | "malformed"
  /** Of a kind that is not passed on: zone transfers, updates and the like. */
  | "unsupported"
  /** It made room for another. */
  | "evicted"
  /** The guest has closed its connection, or the program ended. */
  | "cancelled";

/** Questions by outcome. */
export type DnsOutcomes = Record<DnsOutcome, number>;

/** See the module's text. */
export class DnsCounters {
  /** Questions that wait for an answer. */
  inFlight = 0;
  readonly outcomes: Readonly<Record<DnsNetwork, DnsOutcomes>> = { udp: noOutcomes(), tcp: noOutcomes() };
}

function noOutcomes(): DnsOutcomes {
  return {
    noerror: 0,
    nxdomain: 0,
    error: 0,
    timeout: 0,
    unreachable: 0,
    allowed: 0,
    refused: 0,
    malformed: 0,
    unsupported: 0,
    evicted: 0,
    cancelled: 0,
  };
}
