/**
 * A datagram that is being put together: which of its fragments have come, and their data, each at its place in one
 * frame.
 *
 * Fragments may come in any order. Two that overlap spoil the datagram (RFC 8200, section 4.5; RFC 5722), for both
 * versions alike: no sender makes such, but attackers do. One that came before, byte for byte in the same place, is
 * only ignored: networks duplicate.
 *
 * @module
 */
import { type Frame, IP_HEADER_AT } from "../base/device.ts";
import { IPV4_MAX_HEADER } from "../wire/ipv4.ts";

/** Where the data lies in the frame: behind the longest header of either version. The most, 65,535 bytes, fits. */
export const DATA_AT = IP_HEADER_AT + IPV4_MAX_HEADER;

/**
 * Fragments of one datagram at most. 65,535 bytes at an MTU of 576, the least that hosts must take, are 119, and at
 * IPv6's least, 1280, they are 54.
 */
export const MAX_FRAGMENTS = 256;

/** What became of a fragment. */
export type Placement = "placed" | "duplicate" | "conflict";

/** A datagram of which fragments are missing. */
export class Datagram {
  /** Where the data goes; null once the datagram was given up, so that late fragments of it find that. */
  frame: Frame | null;
  /** Offset of the first fragment's header in the frame, once that has come; -1 before. */
  header = -1;
  /** Bytes that have come, and the number that there are; the latter is -1 until the last fragment has come. */
  private received = 0;
  private total = -1;
  /** The ranges that have come, in order. */
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];

  /** @param addresses source and destination, one after the other */
  constructor(
    frame: Frame,
    readonly identification: number,
    readonly protocol: number,
    readonly addresses: Uint8Array,
    readonly deadline: number,
  ) {
    this.frame = frame;
  }

  /** Whether all has come. */
  get complete(): boolean {
    return this.received === this.total;
  }

  /** The length of all data, when complete. */
  get length(): number {
    return this.total;
  }

  /** The length of the first fragment's data, once that has come. */
  get firstLength(): number {
    return this.ends[0];
  }

  /** Takes the range `start..end` (in bytes, not empty, at most 65,535) into account. */
  place(start: number, end: number, more: boolean): Placement {
    const { starts, ends } = this;
    const count = starts.length;
    let index = count;
    while (index > 0 && starts[index - 1] >= start) index--;
    if (index < count && starts[index] === start && ends[index] === end) {
      return more === (end !== this.total) ? "duplicate" : "conflict";
    }
    const overlaps = (index > 0 && ends[index - 1] > start) || (index < count && starts[index] < end);
    const behindEnd = this.total >= 0 && end > this.total;
    const secondEnd = !more && (this.total >= 0 || (count > 0 && ends[count - 1] > end));
    if (overlaps || behindEnd || secondEnd || count === MAX_FRAGMENTS) return "conflict";
    starts.splice(index, 0, start);
    ends.splice(index, 0, end);
    this.received += end - start;
    if (!more) this.total = end;
    return "placed";
  }
}
