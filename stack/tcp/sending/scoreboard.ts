/**
 * The data that the peer has selectively acknowledged (RFC 2018), and the conclusions of RFC 6675: the holes that count
 * as lost, and the bytes in flight.
 *
 * @module
 */
import { DUPLICATE_THRESHOLD, MAX_SACKED_RANGES } from "../numbers/constants.ts";
import { seqAfter, seqBefore, seqDiff, seqMax, seqMin } from "../numbers/sequence.ts";

/** Sorted, disjoint, non-adjacent ranges of selectively acknowledged sequence numbers above SND.UNA. */
export class Scoreboard {
  private readonly left: number[] = [];
  private readonly right: number[] = [];
  /** Sum of the ranges' lengths. */
  bytes = 0;

  /** The number of ranges. */
  get count(): number {
    return this.left.length;
  }

  /** The right edge of the highest range. Only with `count > 0`. */
  get highest(): number {
    return this.right[this.right.length - 1];
  }

  /** Adds a range. Returns whether it was new. A range too many is ignored, which costs at most a retransmission. */
  add(left: number, right: number): boolean {
    let index = 0;
    while (index < this.left.length && seqBefore(this.right[index], left)) index++;
    let end = index;
    let covered = 0;
    let newLeft = left, newRight = right;
    while (end < this.left.length && !seqAfter(this.left[end], right)) {
      newLeft = seqMin(newLeft, this.left[end]);
      newRight = seqMax(newRight, this.right[end]);
      covered += seqDiff(this.right[end], this.left[end]);
      end++;
    }
    const gained = seqDiff(newRight, newLeft) - covered;
    if (gained === 0 || (end === index && this.left.length >= MAX_SACKED_RANGES)) return false;
    this.left.splice(index, end - index, newLeft);
    this.right.splice(index, end - index, newRight);
    this.bytes += gained;
    return true;
  }

  /** Removes everything below `una`. */
  acknowledge(una: number): void {
    let drop = 0;
    while (drop < this.left.length && !seqAfter(this.right[drop], una)) {
      this.bytes -= seqDiff(this.right[drop], this.left[drop]);
      drop++;
    }
    if (drop > 0) {
      this.left.splice(0, drop);
      this.right.splice(0, drop);
    }
    if (this.left.length > 0 && seqBefore(this.left[0], una)) {
      this.bytes -= seqDiff(una, this.left[0]);
      this.left[0] = una;
    }
  }

  /** Whether a range begins at `una`, the end of the last `acknowledge`: the peer should have acknowledged its end. */
  begins(una: number): boolean {
    return this.left.length > 0 && this.left[0] === una;
  }

  /** Removes everything, because the peer may have reneged (RFC 2018, section 8). */
  clear(): void {
    this.left.length = this.right.length = 0;
    this.bytes = 0;
  }

  /** If `sequence` lies in a range, the range's right edge; otherwise `sequence`. */
  skip(sequence: number): number {
    for (let i = 0; i < this.left.length && !seqAfter(this.left[i], sequence); i++) {
      if (seqBefore(sequence, this.right[i])) return this.right[i];
    }
    return sequence;
  }

  /** The left edge of the first range above `sequence`, or `limit` if there is none before that. */
  nextRange(sequence: number, limit: number): number {
    for (let i = 0; i < this.left.length; i++) {
      if (seqAfter(this.left[i], sequence)) return seqMin(this.left[i], limit);
    }
    return limit;
  }

  /** Selectively acknowledged bytes below `sequence`. */
  bytesBelow(sequence: number): number {
    let sum = 0;
    for (let i = 0; i < this.left.length && seqBefore(this.left[i], sequence); i++) {
      sum += seqDiff(seqMin(this.right[i], sequence), this.left[i]);
    }
    return sum;
  }

  /**
   * The right edge of the highest hole that counts as lost, because enough was received above it (IsLost, RFC 6675
   * section 4); `una` if there is none.
   */
  lostBelow(una: number, mss: number): number {
    let bytes = 0;
    for (let i = this.left.length - 1; i >= 0; i--) {
      bytes += seqDiff(this.right[i], this.left[i]);
      const ranges = this.left.length - i;
      if (ranges >= DUPLICATE_THRESHOLD || bytes > (DUPLICATE_THRESHOLD - 1) * mss) return this.left[i];
    }
    return una;
  }

  /**
   * The estimated bytes in flight (SetPipe, RFC 6675 section 4).
   *
   * @param una SND.UNA
   * @param nxt SND.NXT, the highest sequence number sent
   * @param retransmitted the highest sequence number that was retransmitted in this recovery (HighRxt)
   */
  pipe(una: number, nxt: number, retransmitted: number, mss: number): number {
    const lost = this.lostBelow(una, mss);
    let sum = 0;
    let from = una;
    for (let i = 0; i <= this.left.length; i++) {
      const hole = i < this.left.length ? this.left[i] : nxt;
      if (seqBefore(from, hole)) {
        if (!seqBefore(from, lost)) sum += seqDiff(hole, from); // not lost
        if (seqAfter(retransmitted, from)) sum += seqDiff(seqMin(retransmitted, hole), from); // retransmitted
      }
      if (i < this.left.length) from = this.right[i];
    }
    return sum;
  }
}
