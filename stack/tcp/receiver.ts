/**
 * The receiving half of a connection: which bytes are taken, what window is promised, and when they are acknowledged.
 *
 * The promised right edge (`edge`) never moves left. The buffer's limit starts small and doubles whenever the user has
 * consumed a whole buffer's worth and still keeps it nearly empty; a user that is slow keeps the limit, and then the
 * window, where it is. An acknowledgment is owed at once for anything unusual and for every second full segment,
 * otherwise within DELAYED_ACK, so that it can ride on data.
 *
 * @module
 */
import {
  DELAYED_ACK,
  INITIAL_RECEIVE_BUFFER,
  MAX_RECEIVE_BUFFER,
  PRESSED_BUFFER,
  TIMESTAMP_VALID,
} from "./numbers/constants.ts";
import type { Frame } from "../base/device.ts";
import { TIMESTAMPS_LENGTH } from "../wire/tcp.ts";
import type { BufferMemory } from "./buffers/memory.ts";
import { ReceiveBuffer } from "./buffers/receive_buffer.ts";
import { seqAdd, seqAfter, seqBefore, seqDiff, seqMax } from "./numbers/sequence.ts";

/** Data that is acknowledged without delay, however large the MTU is: two full segments of IPv6 on an Ethernet. */
const QUICK_ACK_BYTES = 2 * (1440 - TIMESTAMPS_LENGTH);

/** The largest unscaled window. */
const MAX_WINDOW = 65_535;

/** The receiving half of one connection. */
export class Receiver {
  /** RCV.NXT */
  nxt = 0;
  /** RCV.NXT + RCV.WND: the first sequence number that the peer may not send. */
  edge = 0;
  /** Shift of the windows that we send; 0 until both sides have agreed. */
  shift = 0;
  readonly buffer: ReceiveBuffer;
  /** The peer's FIN was reached. */
  finReceived = false;

  /** An acknowledgment must leave at the end of this turn. */
  ackNow = false;
  /** When a delayed acknowledgment is due; Infinity: none is owed. */
  ackDeadline = Infinity;

  /** TS.Recent and when it was taken (RFC 7323, section 4.3); Last.ACK.sent. */
  timestampRecent = 0;
  private timestampAt = -Infinity;
  lastAck = 0;

  private limit = INITIAL_RECEIVE_BUFFER;
  private consumed = 0;
  private unacknowledged = 0;
  /**
   * The sequence number of the peer's FIN once one was seen, which may come before the data in front of it; of the first
   * in the sequence should there be several. Nothing lies behind it: data that a peer has sent there is dropped,
   * whichever of them came first (RFC 9293, section 3.10.7.4, eighth step).
   */
  private finAt: number | null = null;
  /** The piece that came out of order last, for the first SACK block. */
  private recent = 0;

  /** Two full segments. */
  private readonly quickAck: number;

  /** @param mss what we told the peer that a segment may hold */
  constructor(private readonly memory: BufferMemory, private readonly mss: number) {
    this.quickAck = Math.min(QUICK_ACK_BYTES, 2 * (mss - TIMESTAMPS_LENGTH));
    this.buffer = new ReceiveBuffer(memory);
  }

  /** The peer's SYN: its sequence number, and the window that our SYN promises. */
  start(irs: number): void {
    this.nxt = this.lastAck = seqAdd(irs, 1);
    this.edge = seqAdd(this.nxt, Math.min(MAX_WINDOW, this.limit));
  }

  /** The window field of our SYN, which is never scaled. */
  get synWindow(): number {
    return Math.min(MAX_WINDOW, this.limit);
  }

  /** The window field for a segment that leaves now; the promise is kept in `edge`. */
  advertise(): number {
    const edge = this.nextEdge();
    if (seqDiff(edge, this.edge) >= this.leastStep) this.edge = edge;
    const window = Math.max(0, seqDiff(this.edge, this.nxt)); // FIN is taken beyond a closed window
    const field = Math.min(MAX_WINDOW, (window + (1 << this.shift) - 1) >> this.shift);
    this.edge = seqMax(this.edge, seqAdd(this.nxt, field << this.shift));
    return field;
  }

  private nextEdge(): number {
    const free = this.memory.allowance(this.limit) - this.buffer.queued;
    return seqAdd(this.nxt, Math.max(0, Math.min(free, MAX_WINDOW << this.shift)));
  }

  /** The edge moves by no less than this (silly-window avoidance, RFC 9293 section 3.8.6.2.2). */
  private get leastStep(): number {
    return Math.min(this.limit / 2, (MAX_WINDOW << this.shift) / 2, this.mss);
  }

  /** Whether a segment lies in the window (RFC 9293, section 3.10.7.4, table 6). */
  acceptable(sequence: number, length: number): boolean {
    const window = seqDiff(this.edge, this.nxt);
    const start = seqDiff(sequence, this.nxt);
    if (length === 0) return start === 0 || (start > 0 && start < window);
    return window > 0 && start < window && start + length > 0;
  }

  /** Whether the timestamp is older than what was seen (PAWS, RFC 7323 section 5). */
  isOldTimestamp(timestamp: number, now: number): boolean {
    return seqBefore(timestamp, this.timestampRecent) && now - this.timestampAt < TIMESTAMP_VALID;
  }

  /** Takes the timestamp of an acceptable segment, if it is the one to echo (RFC 7323, section 4.3). */
  noteTimestamp(timestamp: number, sequence: number, now: number): void {
    if (seqAfter(sequence, this.lastAck) || this.isOldTimestamp(timestamp, now)) return;
    this.timestampRecent = timestamp;
    this.timestampAt = now;
  }

  /**
   * Takes the data and FIN of an acceptable segment, as far as they lie in the window.
   *
   * @param frame the frame that holds the bytes, null for a reassembled packet
   * @returns whether there is news for the user
   */
  receive(
    frame: Frame | null,
    bytes: Uint8Array,
    offset: number,
    length: number,
    sequence: number,
    fin: boolean,
    now: number,
  ): boolean {
    if (this.finReceived) { // nothing new can come: acknowledge what was repeated
      this.ackNow = true;
      return false;
    }
    const before = seqDiff(this.nxt, sequence);
    if (before > 0) { // the beginning is known already
      if (before > length + (fin ? 1 : 0)) return false;
      this.ackNow = true;
      const skip = Math.min(before, length);
      offset += skip;
      length -= skip;
      sequence = seqAdd(sequence, skip);
      if (before > skip) return false; // FIN itself is known: only after finReceived, which was handled above
    }
    const limit = this.finAt ?? this.edge;
    const beyond = seqDiff(seqAdd(sequence, length), limit);
    if (beyond > 0) {
      length = Math.max(0, length - beyond);
      fin = false;
      this.ackNow = true;
    }
    if (fin) {
      this.finAt = seqAdd(sequence, length);
      this.buffer.cutEarly(this.finAt);
    }
    if (sequence === this.nxt) return this.receiveNext(frame, bytes, offset, length, now);
    this.ackNow = true;
    if (length > 0 && this.buffer.insertEarly(frame, bytes, offset, length, sequence)) this.recent = sequence;
    return false;
  }

  private receiveNext(
    frame: Frame | null,
    bytes: Uint8Array,
    offset: number,
    length: number,
    now: number,
  ): boolean {
    if (length > 0 && this.memory.exhausted && this.buffer.queued >= PRESSED_BUFFER) {
      this.memory.refused++;
      this.ackNow = true; // dropped, but the peer must not take us for dead
      return false;
    }
    if (length > 0) this.buffer.append(frame, bytes, offset, length);
    this.nxt = seqAdd(this.nxt, length);
    if (this.buffer.outOfOrderCount > 0) { // a gap is filled, wholly or in part
      this.nxt = seqAdd(this.nxt, this.buffer.advance(this.nxt));
      this.ackNow = true;
    }
    if (this.finAt === this.nxt) {
      this.nxt = seqAdd(this.nxt, 1);
      this.finReceived = true;
      this.ackNow = true;
      return true;
    }
    if (length === 0) return false;
    this.unacknowledged += length;
    if (this.unacknowledged >= this.quickAck) this.ackNow = true;
    else if (this.ackDeadline === Infinity) this.ackDeadline = now + DELAYED_ACK;
    return true;
  }

  /** A segment with an acknowledgment leaves. */
  acknowledged(): void {
    this.lastAck = this.nxt;
    this.unacknowledged = 0;
    this.ackNow = false;
    this.ackDeadline = Infinity;
  }

  /** The user consumed `length` bytes. Returns whether the peer must be told of the window at once. */
  consume(length: number): boolean {
    this.buffer.consume(length);
    this.consumed += length;
    if (this.consumed >= this.limit) {
      const keepsUp = this.buffer.queued <= this.limit / 8;
      if (keepsUp && !this.memory.pressed) this.limit = Math.min(MAX_RECEIVE_BUFFER, 2 * this.limit);
      this.consumed = 0;
    }
    if (this.finReceived) return false;
    const gain = seqDiff(this.nextEdge(), this.edge);
    const open = seqDiff(this.edge, this.nxt);
    // while enough of it is still open the peer isn't waiting, and the news can ride on what is sent anyway
    return (gain >= this.limit / 4 && open <= this.limit / 8) || (open < this.mss && gain >= this.leastStep);
  }

  /** See {@linkcode ReceiveBuffer.earlyRanges}. */
  sackRanges(edges: Int32Array): number {
    return this.buffer.outOfOrderCount === 0 ? 0 : this.buffer.earlyRanges(this.recent, edges);
  }
}
