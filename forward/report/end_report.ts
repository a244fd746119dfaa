/**
 * Records how the four ends of a forwarded connection ended.
 *
 * Bytes are copied both ways between the side that asked (`l`) and the other (`r`). Reading or writing ends each direction.
 * The reason is recorded when it happens, and the line about the end of the connection shows all four, the first in square
 * brackets: in `l=[EOF]/0 r=EOF/0` the side that asked finished first, then the other.
 *
 * @module
 */
import { type Outcome, outcomeOf } from "./outcomes.ts";
import { reasonOf } from "../host/errors.ts";

/** Reading from, or writing to, the side that asked (`l`) or the other (`r`). */
export type ConnectionEnd = "l-read" | "l-write" | "r-read" | "r-write";

/** The reason why an end has ended. */
export interface EndReason {
  /** The text for the line. No decision depends on it. */
  readonly text: string;
  /** The outcome that it counts as. */
  readonly outcome: Outcome;
}

/** The peer finished in good order. */
export const EOF: EndReason = { text: "EOF", outcome: "ok" };

/** The reasons that do not come from a system error. Some have the text of such an error. */
export const EndReasons = {
  IDLE: { text: "idle timeout", outcome: "expired" },
  TOO_MANY_ASSOCIATIONS: { text: "too many associations", outcome: "evicted" },
  TOO_MANY_CONNECTIONS: { text: "too many connections", outcome: "resources" },
  NO_PORT: { text: "no port towards the guest is free", outcome: "resources" },
  GIVEN_UP: { text: "connection given up", outcome: "cancelled" },
  FORWARD_REMOVED: { text: "forward removed", outcome: "cancelled" },
  ABORTED: { text: "aborted", outcome: "cancelled" },
  REFUSED: { text: "connection refused", outcome: "refused" },
  RESET: { text: "connection reset by peer", outcome: "reset" },
  TIMED_OUT: { text: "connection timed out", outcome: "timeout" },
  NO_ROUTE: { text: "no route to host", outcome: "unreachable" },
  REVOKED: { text: "refused by new rules", outcome: "denied" },
  NOT_ALLOWED: { text: "refused by the policy", outcome: "denied" },
} as const satisfies Readonly<Record<string, EndReason>>;

/** Returns the reason for an error of the host's network or of a lookup. */
export function endReason(error: unknown): EndReason {
  return { text: reasonOf(error), outcome: outcomeOf(error) };
}

/** Collects the ends of one connection. */
export class EndReport {
  /** The outcome of the whole connection: that of the first end with an error. */
  outcome: Outcome = "ok";
  /** Whether new rules have ended the connection. */
  isRevoked = false;
  private readonly reasons = new Map<ConnectionEnd, string>();

  /** Records why an end has ended. Only the first reason of each end is kept. */
  record(end: ConnectionEnd, { text, outcome }: EndReason): void {
    if (this.reasons.has(end)) return;
    this.reasons.set(end, text.trim().replace(/\s*[\r\n]+\s*/g, " "));
    if (this.outcome === "ok") this.outcome = outcome;
    if (text === EndReasons.REVOKED.text) this.isRevoked = true;
  }

  /** Whether the end was recorded. */
  has(end: ConnectionEnd): boolean {
    return this.reasons.has(end);
  }

  /** `l=A/B r=C/D`: reading before writing, and 0 for an end without a reason. */
  toString(): string {
    const first = this.reasons.keys().next().value ?? "l-read";
    const show = (end: ConnectionEnd) => {
      const reason = this.reasons.get(end) ?? "0";
      return end === first ? `[${reason}]` : reason;
    };
    return `l=${show("l-read")}/${show("l-write")} r=${show("r-read")}/${show("r-write")}`;
  }
}
