/**
 * How an association was used, and how long it may be idle therefore.
 *
 * @module
 */
import type { Traffic } from "../report/routed_report.ts";
import {
  ASSOCIATION_IDLE_MS,
  CROWDED_DNS_IDLE_MS,
  CROWDED_EXCHANGE_IDLE_MS,
  UNCROWDED_IDLE_MS,
} from "../limits/timeouts.ts";

/** RFC 1035, section 4.2.1 */
const DNS_PORT = 53;

/** What has passed through one association. Times are in ms. */
export class AssociationTraffic implements Traffic {
  /** When a datagram last passed. */
  usedAt: number;
  sentBytes = 0;
  answeredBytes = 0;
  private sent = 0;
  private answered = 0;
  private dnsOnly = true;

  constructor(now: number) {
    this.usedAt = now;
  }

  /** A datagram of the side that asked, of so many bytes, went to that port. */
  noteSent(now: number, length: number, port: number): void {
    this.usedAt = now;
    this.sentBytes += length;
    this.sent++;
    if (port !== DNS_PORT) this.dnsOnly = false;
  }

  /** A datagram of so many bytes came back. */
  noteAnswered(now: number, length: number): void {
    this.usedAt = now;
    this.answeredBytes += length;
    this.answered++;
  }

  /** How long nothing may pass before it ends. `crowded`: there are so many that the short-lived ones end early. */
  idleTime(crowded: boolean): number {
    if (this.dnsOnly) return crowded ? CROWDED_DNS_IDLE_MS : UNCROWDED_IDLE_MS;
    if (this.sent > 1 || this.answered > 1) return ASSOCIATION_IDLE_MS;
    return crowded ? CROWDED_EXCHANGE_IDLE_MS : UNCROWDED_IDLE_MS;
  }
}
