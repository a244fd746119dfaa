/**
 * The outcomes of the guest's questions, counted.
 *
 * @module
 */
import type { DnsNetwork } from "./servers.ts";

/** The outcome of a question. */
export type DnsOutcome =
  /** A server's answer was passed on, by its response code. */
  | "noerror"
  | "nxdomain"
  | "error"
  /** No server answered in time. */
  | "timeout"
  /** No server could be reached. */
  | "unreachable"
  /** The program answered or refused the question itself, as only names of `-allow` may be asked for. */
  | "allowed"
  | "refused"
  /** The message was no question. */
  | "malformed"
  /** A kind of message that is not passed on: zone transfers, updates and the like. */
  | "unsupported"
  /** The question was dropped to make room for another. */
  | "evicted"
  /** The guest closed its connection, or the program ended. */
  | "cancelled";

/** Questions by outcome. */
export type DnsOutcomes = Record<DnsOutcome, number>;

/** The counters of the guest's name server. */
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
