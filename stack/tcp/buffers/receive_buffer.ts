/**
 * The receive buffer of a connection: a queue of in-order data for the user, and the out-of-order pieces ("early").
 *
 * A large payload is not copied: its frame's buffer is held, and the queue refers to it. A small payload would hold a
 * whole frame for a few bytes, so it is copied into a pooled block after the payload before it. The user then gets many
 * small segments as one piece. {@linkcode KEEP_FRAME} is the boundary, so that memory is at most twice the payload.
 *
 * @module
 */
import { type Block, type Chunk, type Frame, FRAME_SIZE } from "../../base/device.ts";
import { MAX_OUT_OF_ORDER } from "../numbers/constants.ts";
import { type BufferMemory, LARGE_BLOCK } from "./memory.ts";
import { seqAdd, seqBefore, seqDiff } from "../numbers/sequence.ts";

/** Payloads of at least this many bytes hold their frame. Copying fewer costs less than 2 µs. */
const KEEP_FRAME = FRAME_SIZE / 2;

/** A run of received bytes in one block, which may be a frame's. */
class Run implements Chunk {
  /** Sequence number of the first byte; used while it is out of order. */
  sequence = 0;
  constructor(readonly block: Block, readonly frame: Frame | null, public offset: number, public length: number) {}

  /** Bytes of memory that it holds. */
  get size(): number {
    return this.frame === null ? this.block.bytes.length : FRAME_SIZE;
  }
}

/** The received data of one connection: the queue for the user, and the out-of-order pieces. */
export class ReceiveBuffer {
  /** In-order bytes that the user has not consumed. */
  queued = 0;
  /** Bytes received out of order. */
  outOfOrderBytes = 0;
  private readonly queue: Run[] = [];
  private first = 0;
  /** Whether the user looks at the first run, whose memory must stay valid even after {@linkcode clear}. */
  private peeked = false;
  /** The out-of-order pieces, sorted, without overlaps. */
  private readonly early: Run[] = [];

  constructor(private readonly memory: BufferMemory) {}

  /** The number of out-of-order pieces. */
  get outOfOrderCount(): number {
    return this.early.length;
  }

  /** Queues in-order payload of a frame (null: the bytes are in another buffer, and are copied). */
  append(frame: Frame | null, bytes: Uint8Array, offset: number, length: number): void {
    if (frame !== null && length >= KEEP_FRAME && !frame.held) {
      this.memory.hold(frame);
      this.queue.push(new Run(frame.block, frame, offset, length));
    } else {
      this.copy(bytes, offset, length);
    }
    this.queued += length;
  }

  private copy(bytes: Uint8Array, offset: number, length: number): void {
    while (length > 0) {
      let last = this.queue.length > this.first ? this.queue[this.queue.length - 1] : null;
      if (last === null || last.frame !== null || last.offset + last.length === last.block.bytes.length) {
        last = new Run(this.memory.take(this.queued === 0 ? length : LARGE_BLOCK), null, 0, 0);
        this.queue.push(last);
      }
      const at = last.offset + last.length;
      const count = Math.min(length, last.block.bytes.length - at);
      copyBytes(last.block.bytes, at, bytes, offset, count);
      last.length += count;
      offset += count;
      length -= count;
    }
  }

  /** Implements {@linkcode TcpFlow.peek}. */
  peek(): Chunk | null {
    if (this.queued === 0) return null;
    this.peeked = true;
    return this.queue[this.first];
  }

  /** Implements {@linkcode TcpFlow.copyReceived}. */
  copyTo(into: Uint8Array): number {
    let at = 0;
    for (let i = this.first; i < this.queue.length && at < into.length; i++) {
      const { block, offset, length } = this.queue[i];
      const count = Math.min(length, into.length - at);
      into.set(block.bytes.subarray(offset, offset + count), at);
      at += count;
    }
    return at;
  }

  /** Implements {@linkcode TcpFlow.consume}. */
  consume(length: number): void {
    this.peeked = false;
    if (length === 0 || this.first === this.queue.length) return;
    const run = this.queue[this.first];
    run.offset += length;
    run.length -= length;
    this.queued -= length;
    if (run.length > 0) return;
    this.release(run);
    if (this.queue.length === 1) { // as in every conversation; to set the length is a call of the runtime's
      this.queue.pop();
      return;
    }
    this.first++;
    if (this.first === this.queue.length) this.queue.length = this.first = 0;
    else if (this.first > 32 && this.first * 2 > this.queue.length) {
      this.queue.splice(0, this.first);
      this.first = 0;
    }
  }

  /**
   * Keeps the new parts of an out-of-order payload; parts that are there already stay as they are. Returns false if a
   * part was dropped because there are too many pieces, in this connection or in all.
   */
  insertEarly(frame: Frame | null, bytes: Uint8Array, offset: number, length: number, sequence: number): boolean {
    const end = seqAdd(sequence, length);
    const early = this.early;
    let index = 0;
    while (index < early.length && seqDiff(early[index].sequence, sequence) + early[index].length <= 0) index++;
    for (let at = sequence; seqBefore(at, end);) {
      const next = index < early.length ? early[index] : null;
      if (next !== null && !seqBefore(at, next.sequence)) { // inside the next piece: skip it
        at = seqAdd(next.sequence, next.length);
        index++;
        continue;
      }
      const stop = next !== null && seqBefore(next.sequence, end) ? next.sequence : end;
      const count = seqDiff(stop, at);
      if (early.length >= MAX_OUT_OF_ORDER || !this.memory.hasRoomForEarly) {
        this.memory.earlyRefused++;
        return false;
      }
      const run = this.keep(frame, bytes, offset + seqDiff(at, sequence), count);
      run.sequence = at;
      this.memory.early += run.size;
      early.splice(index++, 0, run);
      this.outOfOrderBytes += count;
      at = stop;
    }
    return true;
  }

  private keep(frame: Frame | null, bytes: Uint8Array, offset: number, length: number): Run {
    if (frame !== null && length >= KEEP_FRAME && !frame.held) {
      this.memory.hold(frame);
      return new Run(frame.block, frame, offset, length);
    }
    const run = new Run(this.memory.take(length), null, 0, length);
    copyBytes(run.block.bytes, 0, bytes, offset, length);
    return run;
  }

  /** Moves the early pieces that follow `next` without a gap to the queue. Returns the number of bytes moved. */
  advance(next: number): number {
    let moved = 0;
    let taken = 0;
    for (const run of this.early) {
      const overlap = seqDiff(seqAdd(next, moved), run.sequence);
      if (overlap < 0) break;
      taken++;
      this.outOfOrderBytes -= run.length;
      this.memory.early -= run.size;
      if (overlap >= run.length) { // meanwhile received in order
        this.release(run);
        continue;
      }
      run.offset += overlap;
      run.length -= overlap;
      moved += run.length;
      this.queue.push(run);
      this.queued += run.length;
    }
    if (taken > 0) this.early.splice(0, taken);
    return moved;
  }

  /**
   * Writes the edges of the contiguous early ranges, as signed sequence numbers, into `edges`. Returns the number of
   * ranges, at most `edges.length / 2`. The range that contains `recent` comes first (RFC 2018, section 4), then the
   * others from the highest down, which are the newest unless segments were reordered.
   */
  earlyRanges(recent: number, edges: Int32Array): number {
    const early = this.early;
    const most = edges.length / 2;
    let count = 1; // place 0 is for the recent range
    let found = false;
    for (let i = early.length - 1; i >= 0; i--) {
      const right = seqAdd(early[i].sequence, early[i].length);
      while (i > 0 && seqAdd(early[i - 1].sequence, early[i - 1].length) === early[i].sequence) i--;
      const left = early[i].sequence;
      if (!found && !seqBefore(recent, left) && seqBefore(recent, right)) {
        edges[0] = left, edges[1] = right;
        found = true;
      } else if (count < most) {
        edges[2 * count] = left, edges[2 * count + 1] = right;
        count++;
      }
      if (found && count === most) break;
    }
    if (found) return count;
    edges.copyWithin(0, 2, 2 * count);
    return count - 1;
  }

  /** Drops the early data from `sequence` on. */
  cutEarly(sequence: number): void {
    const { early } = this;
    for (let run = early.at(-1); run !== undefined; run = early.at(-1)) {
      const kept = seqDiff(sequence, run.sequence);
      if (kept >= run.length) return;
      this.outOfOrderBytes -= run.length - Math.max(0, kept);
      if (kept > 0) {
        run.length = kept;
        return;
      }
      early.pop();
      this.memory.early -= run.size;
      this.release(run);
    }
  }

  private dropEarly(): void {
    for (const run of this.early) {
      this.memory.early -= run.size;
      this.release(run);
    }
    this.early.length = 0;
    this.outOfOrderBytes = 0;
  }

  private release(run: Run): void {
    if (run.frame !== null) this.memory.releaseFrame(run.frame);
    else this.memory.release(run.block);
  }

  /** Releases all memory. The run that the user looks at is left to the garbage collector. */
  clear(): void {
    this.dropEarly();
    for (let i = this.first; i < this.queue.length; i++) {
      const run = this.queue[i];
      if (i !== this.first || !this.peeked) this.release(run);
      else if (run.frame !== null) this.memory.forgetFrame(run.frame);
      else this.memory.forget(run.block);
    }
    this.queue.length = this.first = 0;
    this.queued = 0;
    this.peeked = false;
  }
}

/** Below this length a loop is faster than making the view that `set` needs. */
const SHORT_COPY = 64;

function copyBytes(to: Uint8Array, at: number, from: Uint8Array, offset: number, length: number): void {
  if (length > SHORT_COPY) to.set(from.subarray(offset, offset + length), at);
  else for (let i = 0; i < length; i++) to[at + i] = from[offset + i];
}
