/**
 * The traffic of an association, and the idle timeout that follows from it: short for a question to a name server and for
 * a single exchange, long for a conversation.
 *
 * @module
 */
import type { Traffic } from "../report/flow_observers.ts";
import {
  ASSOCIATION_IDLE_MS,
  CROWDED_DNS_IDLE_MS,
  CROWDED_EXCHANGE_IDLE_MS,
  UNCROWDED_IDLE_MS,
} from "../limits/timeouts.ts";

/** RFC 1035, section 4.2.1 */
const DNS_PORT = 53;

/** The traffic of one association. Times are in ms. */
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

  /** Counts a datagram of `length` bytes from the side that opened the association to a port of the other. */
  noteSent(now: number, length: number, port: number): void {
    this.usedAt = now;
    this.sentBytes += length;
    this.sent++;
    if (port !== DNS_PORT) this.dnsOnly = false;
  }

  /** Counts a datagram of `length` bytes that came back. */
  noteAnswered(now: number, length: number): void {
    this.usedAt = now;
    this.answeredBytes += length;
    this.answered++;
  }

  /** The idle timeout in ms. `crowded`: the table is so full that short-lived associations end early. */
  idleTime(crowded: boolean): number {
    if (this.dnsOnly) return crowded ? CROWDED_DNS_IDLE_MS : UNCROWDED_IDLE_MS;
    if (this.sent > 1 || this.answered > 1) return ASSOCIATION_IDLE_MS;
    return crowded ? CROWDED_EXCHANGE_IDLE_MS : UNCROWDED_IDLE_MS;
  }
}
