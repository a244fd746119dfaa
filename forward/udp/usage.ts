/**
 * How an association was used, and how long it may be idle therefore.
 *
 * @module
 */
import { ASSOCIATION_IDLE_MS, DNS_IDLE_MS, EXCHANGE_IDLE_MS } from "../limits.ts";

/** RFC 1035, section 4.2.1 */
const DNS_PORT = 53;

/** See the module's text. Times are in ms. */
export class Usage {
  /** When a datagram last passed. */
  usedAt: number;
  private sent = 0;
  private answered = 0;
  private dnsOnly = true;

  constructor(now: number) {
    this.usedAt = now;
  }

  /** A datagram of the side that asked went to that port. */
  noteSent(now: number, port: number): void {
    this.usedAt = now;
    this.sent++;
    if (port !== DNS_PORT) this.dnsOnly = false;
  }

  /** A datagram came back. */
  noteAnswered(now: number): void {
    this.usedAt = now;
    this.answered++;
  }

  /** How long nothing may pass before it ends. */
  get idleTime(): number {
    if (this.dnsOnly) return DNS_IDLE_MS;
    return this.sent <= 1 && this.answered <= 1 ? EXCHANGE_IDLE_MS : ASSOCIATION_IDLE_MS;
  }
}
