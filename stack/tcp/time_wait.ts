/**
 * Connections in TIME-WAIT (RFC 9293, section 3.3.2): the remainder of a connection that sent its FIN first. It answers
 * late segments, so that they don't count as part of the next connection between the same endpoints.
 *
 * @module
 */
import type { Endpoint } from "../base/address.ts";
import type { FlowEntry, FlowTable } from "../base/flow_table.ts";
import type { Timer, Timers } from "../base/layers.ts";
import { ACK, RST, type Segment, SYN } from "../wire/tcp.ts";
import { TIME_WAIT } from "./numbers/constants.ts";
import { seqAfter, seqBefore } from "./numbers/sequence.ts";

/** A connection in TIME-WAIT. */
export class TimeWait implements FlowEntry {
  hash = 0;
  next: FlowEntry | null = null;
  /** The time at which it ends. */
  until: number;

  /**
   * @param sndNxt, rcvNxt SND.NXT and RCV.NXT at the end
   * @param timestamp the peer's newest timestamp, null without timestamps
   */
  constructor(
    readonly guest: Endpoint,
    readonly local: Endpoint,
    readonly sndNxt: number,
    readonly rcvNxt: number,
    public timestamp: number | null,
    now: number,
  ) {
    this.until = now + TIME_WAIT;
  }

  /**
   * Decides how to treat a segment: "acknowledge" it again, "ignore" it, or "reopen" for the SYN of a new connection
   * that can't be confused with the old one (RFC 9293, section 3.6.1; RFC 6191).
   */
  receive(segment: Segment, now: number): "acknowledge" | "ignore" | "reopen" {
    if (segment.has(RST)) return "ignore"; // RFC 1337
    if (segment.has(SYN) && !segment.has(ACK)) {
      const newer = this.timestamp !== null && segment.hasTimestamps
        ? seqAfter(segment.timestamp, this.timestamp) ||
          (segment.timestamp === this.timestamp && seqAfter(segment.sequence, this.rcvNxt))
        : seqAfter(segment.sequence, this.rcvNxt);
      return newer ? "reopen" : "acknowledge";
    }
    if (segment.sequenceLength === 0) return "ignore";
    if (!seqBefore(segment.sequence, this.rcvNxt)) return "ignore";
    if (this.timestamp !== null && segment.hasTimestamps && seqAfter(segment.timestamp, this.timestamp)) {
      this.timestamp = segment.timestamp;
    }
    this.until = now + TIME_WAIT; // the peer's FIN again: the acknowledgment was lost
    return "acknowledge";
  }
}

/** All connections in TIME-WAIT: a bounded number, of which the oldest makes room, with one timer for all. */
export class TimeWaits implements Timer {
  deadline = Infinity;
  slot = -1;
  /** The entries in the order of their start. */
  private readonly entries = new Set<TimeWait>();

  /**
   * @param table the table in which segments find them
   * @param limit the most entries
   */
  constructor(
    private readonly table: FlowTable<FlowEntry>,
    private readonly timers: Timers,
    private readonly limit: number,
  ) {}

  /** The number of entries. */
  get size(): number {
    return this.entries.size;
  }

  /** Adds an entry. If there are too many, the oldest is removed. */
  add(entry: TimeWait): void {
    this.table.add(entry);
    this.entries.add(entry);
    for (const oldest of this.entries) {
      if (this.entries.size <= this.limit) break;
      this.remove(oldest);
    }
    if (this.slot < 0) this.timers.schedule(this, entry.until);
  }

  /** Removes an entry. */
  remove(entry: TimeWait): void {
    this.table.remove(entry);
    this.entries.delete(entry);
  }

  /** Removes the entries whose time is over. */
  fire(now: number): void {
    for (const entry of this.entries) {
      if (entry.until > now) {
        this.timers.schedule(this, entry.until);
        return; // an extended entry delays those after it a little
      }
      this.remove(entry);
    }
  }
}
