/**
 * How the four ends of a forwarded connection came to rest.
 *
 * Bytes are pumped both ways between the side that asked (`l`) and the other (`r`). Each direction ends by reading or
 * by writing: what ended it is recorded as it happens, and the line about the end of the connection shows all four,
 * the first in square brackets: `l=[EOF]/0 r=EOF/0` says that the side that asked finished first, then the other.
 *
 * @module
 */
import type { Outcome } from "./outcomes.ts";

/** Reading from, or writing to, the side that asked (`l`) or the other (`r`). */
export type ConnectionEnd = "l-read" | "l-write" | "r-read" | "r-write";

/** What a reading end is recorded with when the peer finished in good order. */
export const EOF = "EOF";

/** The reasons that the program gives itself, some of them in the system's words. */
const OWN_REASONS: Readonly<Record<string, Outcome>> = {
  [EOF]: "ok",
  "idle timeout": "expired",
  "too many associations": "evicted",
  "too many connections": "resources",
  "connection given up": "cancelled",
  "aborted": "cancelled",
  "connection refused": "refused",
  "connection reset by peer": "reset",
  "connection timed out": "timeout",
  "no route to host": "unreachable",
};

/** Collects the ends of one connection. */
export class EndReport {
  /** All four in one word: that of the first end which was not a good one. */
  outcome: Outcome = "ok";
  private readonly reasons = new Map<ConnectionEnd, string>();

  /**
   * Records why an end is no more: {@linkcode EOF} or an error's text. What an end was recorded with first stays.
   *
   * @param outcome what the reason comes to; without it, only the program's own reasons are understood
   */
  record(end: ConnectionEnd, reason: string, outcome: Outcome = OWN_REASONS[reason] ?? "other"): void {
    if (this.reasons.has(end)) return;
    this.reasons.set(end, reason.trim().replace(/\s*[\r\n]+\s*/g, " "));
    if (this.outcome === "ok") this.outcome = outcome;
  }

  /** Whether the end was recorded. */
  has(end: ConnectionEnd): boolean {
    return this.reasons.has(end);
  }

  /** `l=A/B r=C/D`: reading before writing, 0 for what did not end by itself. */
  toString(): string {
    const first = this.reasons.keys().next().value ?? "l-read";
    const show = (end: ConnectionEnd) => {
      const reason = this.reasons.get(end) ?? "0";
      return end === first ? `[${reason}]` : reason;
    };
    return `l=${show("l-read")}/${show("l-write")} r=${show("r-read")}/${show("r-write")}`;
  }
}
