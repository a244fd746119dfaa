/**
 * How connections and associations end, and how many did so.
 *
 * @module
 */
import { HostError, type HostFailure } from "../host/host_network.ts";
import { LookupError } from "../names/lookup.ts";

/** How a connection, or an association of UDP, came to its end. */
export type Outcome =
  /** It was open, and both sides ended in good order (UDP: the one answer that it was for has come). */
  | "ok"
  /** UDP: nothing passed any more. */
  | "expired"
  /** UDP: another took its place. */
  | "evicted"
  /** It was open, and one side reset it. */
  | "reset"
  /** Nobody listened. */
  | "refused"
  /** There is no way there. */
  | "unreachable"
  /** The name has no address. */
  | "unresolved"
  /** No answer in time, before or after it was open. */
  | "timeout"
  /** The policy, or the host, does not let it pass. */
  | "denied"
  /** A limit of this program or of the host. */
  | "resources"
  /** Whoever asked gave up before there was an answer, or the program ended. */
  | "cancelled"
  /** What fits nowhere else. */
  | "other";

/** The outcome that an error of the host's network, or of a lookup, stands for. */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof LookupError) return "unresolved";
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

/** Connections, or associations, of one kind. */
export class FlowCounters {
  /** Those that came about. */
  opened = 0;
  /** Those that came about and are not over. */
  open = 0;
  /** Those that are over, or did not come about. */
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
