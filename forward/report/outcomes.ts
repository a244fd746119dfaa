/**
 * The outcomes of flows, the outcome of each host error, and the counters of flows by outcome.
 *
 * @module
 */
import { HostError, type HostFailure } from "../host/host_network.ts";
import { LookupError } from "../names/lookup.ts";

/** How a TCP connection or a UDP association ended. */
export type Outcome =
  /** Both sides closed an open connection in good order (`udprpc`: the one answer has come). */
  | "ok"
  /** UDP: the idle timeout. */
  | "expired"
  /** UDP: a newer association took its place in a full table. */
  | "evicted"
  /** One side reset an open connection. */
  | "reset"
  /** Nothing listens at the destination. */
  | "refused"
  /** There is no route to the destination. */
  | "unreachable"
  /** The name has no address. */
  | "unresolved"
  /** No answer in time, before or after it was open. */
  | "timeout"
  /** The policy or the host prohibits it. */
  | "denied"
  /** A limit of this program or of the host was reached. */
  | "resources"
  /** The client gave up before there was an answer, or the program ended. */
  | "cancelled"
  /** None of the others. */
  | "other";

/** Returns the outcome for an error of the host's network or of a lookup. */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof LookupError) return error.prohibited ? "denied" : "unresolved";
  return error instanceof HostError ? HOST_OUTCOMES[error.failure] : "other";
}

const HOST_OUTCOMES: Readonly<Record<HostFailure, Outcome>> = {
  "refused": "refused",
  "reset": "reset",
  "network-unreachable": "unreachable",
  "host-unreachable": "unreachable",
  "timeout": "timeout",
  "prohibited": "denied",
  "resources": "resources",
  "aborted": "cancelled",
  "other": "other",
};

/** Counts the flows of one kind. */
export class FlowCounters {
  /** Flows that were opened. */
  opened = 0;
  /** Flows that are open now. */
  open = 0;
  /** Flows that have ended or could not be opened. */
  readonly ended: Record<Outcome, number> = {
    ok: 0,
    expired: 0,
    evicted: 0,
    reset: 0,
    refused: 0,
    unreachable: 0,
    unresolved: 0,
    timeout: 0,
    denied: 0,
    resources: 0,
    cancelled: 0,
    other: 0,
  };
}
