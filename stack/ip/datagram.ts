/**
 * A datagram in reassembly: the ranges of the received fragments, and their data, each at its place in one frame.
 *
 * Fragments may arrive in any order. Overlapping fragments spoil the datagram (RFC 8200, section 4.5; RFC 5722), for
 * both IP versions: only attackers send them. An exact duplicate of a fragment is ignored, because networks duplicate
 * packets.
 *
 * @module
 */
import { type Frame, IP_HEADER_AT } from "../base/device.ts";
import { IPV4_MAX_HEADER } from "../wire/ipv4.ts";

/**
 * The offset of the data in the frame, after the longest header of either version. The most data, 65,535 bytes, fits.
 */
export const DATA_AT = IP_HEADER_AT + IPV4_MAX_HEADER;

/**
 * The most fragments of one datagram. 65,535 bytes are 119 fragments at an MTU of 576, the least that hosts must
 * accept, and 54 at IPv6's least, 1280.
 */
export const MAX_FRAGMENTS = 256;

/** The result of adding a fragment. */
export type Placement = "placed" | "duplicate" | "conflict";

/** A datagram with missing fragments. */
export class Datagram {
  /** The frame for the data; null once the datagram was given up, so that its late fragments are recognized. */
  frame: Frame | null;
  /** Offset of the first fragment's header in the frame; -1 until that fragment arrives. */
  header = -1;
  /** The number of received bytes. */
  private received = 0;
  private total = -1;
  /** The received ranges, in order. */
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

  /** Whether all bytes have arrived. */
  get complete(): boolean {
    return this.received === this.total;
  }

  /** The length of all data. Only when complete. */
  get length(): number {
    return this.total;
  }

  /** The length of the first fragment's data. Only once that has arrived. */
  get firstLength(): number {
    return this.ends[0];
  }

  /** Adds the range `start..end` (in bytes, not empty, at most 65,535). */
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
