/**
 * What a connection received: a queue of in-order data for the user, and the pieces that came too early.
 *
 * A large payload is not copied: its frame's buffer is kept and the queue points into it. A small one would pin a whole
 * frame for a few bytes, so it is copied into a pooled block behind the one before; the user then gets many small
 * segments as one piece. {@linkcode KEEP_FRAME} is the border, so that memory is at most twice the payload.
 *
 * @module
 */
import { type Block, type Chunk, type Frame, FRAME_SIZE } from "../../base/device.ts";
import { MAX_OUT_OF_ORDER } from "../numbers/constants.ts";
import { type BufferMemory, LARGE_BLOCK } from "./memory.ts";
import { seqAdd, seqBefore, seqDiff } from "../numbers/sequence.ts";

/** Payloads of at least this keep their frame. Copying less costs under 2 µs. */
const KEEP_FRAME = FRAME_SIZE / 2;

/** A run of received bytes in one block, which may be a frame's. */
class Run implements Chunk {
  /** Sequence number of the first byte; used while it is out of order. */
  sequence = 0;
  constructor(readonly block: Block, readonly frame: Frame | null, public offset: number, public length: number) {}

  /** Bytes of memory that it takes. */
  get size(): number {
    return this.frame === null ? this.block.bytes.length : FRAME_SIZE;
  }
}

/** What one connection has received: the queue for the user, and the pieces that came out of order. */
export class ReceiveBuffer {
  /** In-order bytes that the user has not consumed. */
  queued = 0;
  /** Bytes that came too early. */
  outOfOrderBytes = 0;
  private readonly queue: Run[] = [];
  private first = 0;
  /** Whether the user looks at the first run: its memory must stay, also through {@linkcode clear}. */
  private peeked = false;
  /** Sorted, without overlaps. */
  private readonly early: Run[] = [];

  constructor(private readonly memory: BufferMemory) {}

  /** Pieces that came too early. */
  get outOfOrderCount(): number {
    return this.early.length;
  }

  /** Queues in-order payload of a frame (null: the bytes lie in some other buffer and are copied). */
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

  /** See {@linkcode TcpFlow.peek}. */
  peek(): Chunk | null {
    if (this.queued === 0) return null;
    this.peeked = true;
    return this.queue[this.first];
  }

  /** See {@linkcode TcpFlow.copyReceived}. */
  copyTo(into: Uint8Array): number {
    let at = 0;
    for (let i = this.first; i < this.queue.length && at < into.length; i++) {
      const { block, offset, length } = this.queue[i]!;
      const count = Math.min(length, into.length - at);
      into.set(block.bytes.subarray(offset, offset + count), at);
      at += count;
    }
    return at;
  }

  /** See {@linkcode TcpFlow.consume}. */
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
   * Keeps the parts of a payload that came too early and are new; what is there already stays as it is.
   * Returns false where a part was dropped because there are too many pieces, here or in all.
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

  /** Moves what follows `next` without a gap from the early pieces to the queue; returns the bytes moved. */
  advance(next: number): number {
    let moved = 0;
    let taken = 0;
    for (const run of this.early) {
      const overlap = seqDiff(seqAdd(next, moved), run.sequence);
      if (overlap < 0) break;
      taken++;
      this.outOfOrderBytes -= run.length;
      this.memory.early -= run.size;
      if (overlap >= run.length) { // came again in order meanwhile
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
   * Writes the edges of the contiguous early ranges, as signed sequence numbers, into `edges` and returns how many
   * ranges there are, at most `edges.length / 2`. The range that holds `recent` comes first (RFC 2018, section 4),
   * then the others from the highest down, which are the newest, unless segments were reordered.
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

  /** Gives up what came too early and lies at `sequence` or behind it. */
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

  /** Releases all memory; what the user looks at is left to the garbage collector. */
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

/** Below this a loop beats the view that `set` needs. */
const SHORT_COPY = 64;

function copyBytes(to: Uint8Array, at: number, from: Uint8Array, offset: number, length: number): void {
  if (length > SHORT_COPY) to.set(from.subarray(offset, offset + length), at);
  else for (let i = 0; i < length; i++) to[at + i] = from[offset + i];
}
