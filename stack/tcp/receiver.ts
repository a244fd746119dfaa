/**
 * The receiving half of a connection: it decides which bytes are accepted, which window is advertised, and when bytes
 * are acknowledged.
 *
 * The advertised right edge (`edge`) never moves left. The buffer's limit starts small. It doubles whenever the user
 * has consumed as much as the whole buffer and the buffer is still nearly empty; with a slow user, the limit and the
 * window stay as they are. An acknowledgment is due at once for anything unusual and for every second full segment,
 * otherwise within DELAYED_ACK, so that it can be part of a data segment.
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

/** Bytes that are acknowledged without delay, whatever the MTU: two full segments of IPv6 on an Ethernet. */
const QUICK_ACK_BYTES = 2 * (1440 - TIMESTAMPS_LENGTH);

/** The largest unscaled window. */
const MAX_WINDOW = 65_535;

/** The receiving half of one connection. */
export class Receiver {
  /** RCV.NXT */
  nxt = 0;
  /** RCV.NXT + RCV.WND: the first sequence number that the peer may not send. */
  edge = 0;
  /** Shift of the advertised windows; 0 until both sides have agreed. */
  shift = 0;
  readonly buffer: ReceiveBuffer;
  /** The peer's FIN was reached. */
  finReceived = false;

  /** An acknowledgment must be sent at the end of this turn. */
  ackNow = false;
  /** The time at which a delayed acknowledgment is due; Infinity: none is. */
  ackDeadline = Infinity;

  /** TS.Recent and when it was taken (RFC 7323, section 4.3); Last.ACK.sent. */
  timestampRecent = 0;
  private timestampAt = -Infinity;
  lastAck = 0;

  private limit = INITIAL_RECEIVE_BUFFER;
  private consumed = 0;
  private unacknowledged = 0;
  /**
   * The sequence number of the peer's FIN, once one was received, which may be before its preceding data; the lowest,
   * if there are several. Data after it is dropped, whichever arrived first (RFC 9293, section 3.10.7.4, eighth step).
   */
  private finAt: number | null = null;
  /** The sequence number of the last out-of-order piece, for the first SACK block. */
  private recent = 0;

  /** Two full segments. */
  private readonly quickAck: number;

  /** @param mss the segment size announced to the peer */
  constructor(private readonly memory: BufferMemory, private readonly mss: number) {
    this.quickAck = Math.min(QUICK_ACK_BYTES, 2 * (mss - TIMESTAMPS_LENGTH));
    this.buffer = new ReceiveBuffer(memory);
  }

  /** Starts with the peer's SYN, at `irs`, and with the window that our SYN advertises. */
  start(irs: number): void {
    this.nxt = this.lastAck = seqAdd(irs, 1);
    this.edge = seqAdd(this.nxt, Math.min(MAX_WINDOW, this.limit));
  }

  /** The window field of our SYN, which is never scaled. */
  get synWindow(): number {
    return Math.min(MAX_WINDOW, this.limit);
  }

  /** The window field for a segment that is sent now. Updates `edge`. */
  advertise(): number {
    const edge = this.nextEdge();
    if (seqDiff(edge, this.edge) >= this.leastStep) this.edge = edge;
    const window = Math.max(0, seqDiff(this.edge, this.nxt)); // FIN is accepted beyond a closed window
    const field = Math.min(MAX_WINDOW, (window + (1 << this.shift) - 1) >> this.shift);
    this.edge = seqMax(this.edge, seqAdd(this.nxt, field << this.shift));
    return field;
  }

  private nextEdge(): number {
    const free = this.memory.allowance(this.limit) - this.buffer.queued;
    return seqAdd(this.nxt, Math.max(0, Math.min(free, MAX_WINDOW << this.shift)));
  }

  /** The least step of the edge (silly-window avoidance, RFC 9293 section 3.8.6.2.2). */
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

  /** Whether the timestamp is older than TS.Recent (PAWS, RFC 7323 section 5). */
  isOldTimestamp(timestamp: number, now: number): boolean {
    return seqBefore(timestamp, this.timestampRecent) && now - this.timestampAt < TIMESTAMP_VALID;
  }

  /** Stores the timestamp of an acceptable segment, if it is the one to echo (RFC 7323, section 4.3). */
  noteTimestamp(timestamp: number, sequence: number, now: number): void {
    if (seqAfter(sequence, this.lastAck) || this.isOldTimestamp(timestamp, now)) return;
    this.timestampRecent = timestamp;
    this.timestampAt = now;
  }

  /**
   * Accepts the data and FIN of an acceptable segment, as far as they lie in the window.
   *
   * @param frame the frame that holds the bytes, null for a reassembled packet
   * @returns whether the user must be told
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
    if (this.finReceived) { // there can be nothing new: acknowledge the repetition
      this.ackNow = true;
      return false;
    }
    const before = seqDiff(this.nxt, sequence);
    if (before > 0) { // the start was received before
      if (before > length + (fin ? 1 : 0)) return false;
      this.ackNow = true;
      const skip = Math.min(before, length);
      offset += skip;
      length -= skip;
      sequence = seqAdd(sequence, skip);
      if (before > skip) return false; // FIN itself was received before: only after finReceived, which was handled above
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
      this.ackNow = true; // dropped, but the peer must see that this side is alive
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

  /** Called when a segment with an acknowledgment is sent. */
  acknowledged(): void {
    this.lastAck = this.nxt;
    this.unacknowledged = 0;
    this.ackNow = false;
    this.ackDeadline = Infinity;
  }

  /** Called when the user has consumed `length` bytes. Returns whether the window must be advertised at once. */
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
    // while enough of the window is open, the peer isn't waiting, and other segments can advertise it
    return (gain >= this.limit / 4 && open <= this.limit / 8) || (open < this.mss && gain >= this.leastStep);
  }

  /** The early ranges, as {@linkcode ReceiveBuffer.earlyRanges} writes them. */
  sackRanges(edges: Int32Array): number {
    return this.buffer.outOfOrderCount === 0 ? 0 : this.buffer.earlyRanges(this.recent, edges);
  }
}
