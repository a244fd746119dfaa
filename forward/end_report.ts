/**
 * How the four ends of a forwarded connection came to rest.
 *
 * Bytes are pumped both ways between the side that asked (`l`) and the other (`r`). Each direction ends by reading or
 * by writing: what ended it is recorded as it happens, and the line about the end of the connection shows all four,
 * the first in square brackets: `l=[EOF]/0 r=EOF/0` says that the side that asked finished first, then the other.
 *
 * @module
 */

/** Reading from, or writing to, the side that asked (`l`) or the other (`r`). */
export type ConnectionEnd = "l-read" | "l-write" | "r-read" | "r-write";

/** What a reading end is recorded with when the peer finished in good order. */
export const EOF = "EOF";

/** Collects the ends of one connection. */
export class EndReport {
  private readonly reasons = new Map<ConnectionEnd, string>();

  /** Records why an end is no more: {@linkcode EOF} or an error's text. What an end was recorded with first stays. */
  record(end: ConnectionEnd, reason: string): void {
    if (!this.reasons.has(end)) this.reasons.set(end, reason.trim().replace(/\s*[\r\n]+\s*/g, " "));
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
