/**
 * Reassembly of one version's fragments (RFC 791, section 3.2; RFC 8200, section 4.5).
 *
 * Each unfinished datagram has a {@linkcode Datagram} with its own pooled frame. It is found by source, destination,
 * identification and, for IPv4, protocol. When all fragments have arrived, the frame contains the whole packet,
 * contiguous, with the first fragment's header adjusted to it. The limits are {@linkcode REASSEMBLY_LIMITS} datagrams
 * (the oldest makes room), `MAX_FRAGMENTS` fragments of each, and a time since the first arrival. After that time the
 * sender gets a "time exceeded", if the fragment with the header has arrived. A spoilt datagram stays in the table
 * without its frame until its time is over, so that its remaining fragments are dropped too.
 *
 * @module
 */
import type { IpVersion } from "../base/address.ts";
import type { IpCounters } from "../base/counters.ts";
import type { Frame, FramePool } from "../base/device.ts";
import type { Timer, Timers } from "../base/layers.ts";
import type { Packet } from "../base/packet.ts";
import { copyShort, sameBytes } from "../base/bytes.ts";
import { ipv4HeaderLength, refitIpv4 } from "../wire/ipv4.ts";
import { IPV6_HEADER, ipv6NextHeaderAt, setIpv6PayloadLength } from "../wire/ipv6.ts";
import { FRAGMENT, FRAGMENT_HEADER, fragmentNextHeader } from "../wire/ipv6_extensions.ts";
import { DATA_AT, Datagram } from "./datagram.ts";

/** The limits of reassembly, which tests may change. */
export interface ReassemblyLimits {
  /** Unfinished datagrams, per version. */
  readonly datagrams: number;
  /** The time limit for IPv4, in ms. */
  readonly timeout4: number;
  readonly timeout6: number;
}

/**
 * 64 frames of 64 KiB are 4 MiB, Linux's limit (`ipfrag_high_thresh`). A sender normally has one or two datagrams
 * unfinished. 30 s is Linux's time for IPv4 (`ipfrag_time`), 60 s that of RFC 8200 for IPv6.
 */
export const REASSEMBLY_LIMITS: ReassemblyLimits = { datagrams: 64, timeout4: 30_000, timeout6: 60_000 };

/** Options of a {@linkcode Reassembler}. */
export interface ReassemblerOptions {
  readonly version: IpVersion;
  readonly frames: FramePool;
  readonly timers: Timers;
  readonly clock: () => number;
  readonly limits: ReassemblyLimits;
  readonly counters: IpCounters;
  /** Tells the sender of the packet in `bytes[offset..end)`, a first fragment, that its datagram was given up. */
  readonly timeExceeded: (bytes: Uint8Array, offset: number, end: number) => void;
}

/** Reassembles the fragments of one IP version. */
export class Reassembler implements Timer {
  deadline = Infinity;
  slot = -1;
  /** Oldest first, which is also in the order of their deadlines. */
  private readonly datagrams: Datagram[] = [];

  constructor(private readonly options: ReassemblerOptions) {}

  /** The number of unfinished datagrams, including spoilt ones. */
  get size(): number {
    return this.datagrams.length;
  }

  /** The most unfinished datagrams. */
  get limit(): number {
    return this.options.limits.datagrams;
  }

  /**
   * Adds a fragment with the data `packet.bytes[data..packet.end)`, which is not empty and belongs at `offset`.
   *
   * @param protocol the transport's for IPv4; ignored for IPv6, where only the first fragment's counts
   * @returns once the packet is complete, the frame with the whole packet from `start` to `end`. The caller owns it, and
   *   must release it unless it was held
   */
  add(
    packet: Packet,
    identification: number,
    protocol: number,
    data: number,
    offset: number,
    more: boolean,
  ): Frame | null {
    const { counters, frames } = this.options;
    counters.fragmentsIn++;
    const datagram = this.find(packet, identification, protocol) ?? this.open(packet, identification, protocol);
    const { frame } = datagram;
    if (frame === null) {
      counters.fragmentsDropped++;
      return null;
    }
    const length = packet.end - data;
    const placement = datagram.place(offset, offset + length, more);
    if (placement !== "placed") {
      counters.fragmentsDropped++;
      if (placement === "conflict") {
        counters.reassemblyConflicts++;
        datagram.frame = null;
        frames.release(frame);
      }
      return null;
    }
    frame.bytes.set(packet.bytes.subarray(data, packet.end), DATA_AT + offset);
    if (offset === 0) datagram.header = this.copyHeader(packet, data, length, frame);
    if (!datagram.complete) return null;
    this.datagrams.splice(this.datagrams.indexOf(datagram), 1);
    this.reschedule();
    return this.finish(datagram, frame);
  }

  /** Drops datagrams whose time is over. */
  fire(now: number): void {
    const { counters, frames, timeExceeded } = this.options;
    while (this.datagrams.length > 0 && this.datagrams[0].deadline <= now) {
      const datagram = this.datagrams.shift()!;
      const { frame } = datagram;
      if (frame === null) continue;
      counters.reassemblyTimeouts++;
      if (datagram.header >= 0) timeExceeded(frame.bytes, datagram.header, DATA_AT + datagram.firstLength);
      frames.release(frame);
    }
    this.reschedule();
  }

  /** Drops all datagrams. */
  close(): void {
    for (const { frame } of this.datagrams) if (frame !== null) this.options.frames.release(frame);
    this.datagrams.length = 0;
    this.reschedule();
  }

  private find(packet: Packet, identification: number, protocol: number): Datagram | undefined {
    const { version } = this.options;
    const size = version === 4 ? 8 : 32; // the two addresses are adjacent in both headers
    for (const datagram of this.datagrams) {
      if (
        datagram.identification === identification && (version === 6 || datagram.protocol === protocol) &&
        sameBytes(packet.bytes, packet.source, datagram.addresses, 0, size)
      ) return datagram;
    }
    return undefined;
  }

  private open(packet: Packet, identification: number, protocol: number): Datagram {
    const { version, frames, clock, limits, counters } = this.options;
    if (this.datagrams.length === limits.datagrams) {
      const { frame } = this.datagrams.shift()!;
      if (frame !== null) frames.release(frame);
      counters.reassemblyEvicted++;
    }
    const addresses = packet.bytes.slice(packet.source, packet.source + (version === 4 ? 8 : 32));
    const deadline = clock() + (version === 4 ? limits.timeout4 : limits.timeout6);
    const datagram = new Datagram(frames.take(), identification, protocol, addresses, deadline);
    this.datagrams.push(datagram);
    this.reschedule();
    return datagram;
  }

  /** Copies the first fragment's header before its data, so that it can be quoted. Returns its offset. */
  private copyHeader(packet: Packet, data: number, length: number, frame: Frame): number {
    if (this.options.version === 4) {
      const headerLength = ipv4HeaderLength(packet.bytes, packet.header);
      copyShort(packet.bytes, packet.header, frame.bytes, DATA_AT - headerLength, headerLength);
      return DATA_AT - headerLength;
    }
    // for IPv6 only the first and the fragment header: those between were handled when the fragment arrived
    const at = DATA_AT - FRAGMENT_HEADER - IPV6_HEADER;
    copyShort(packet.bytes, packet.header, frame.bytes, at, IPV6_HEADER);
    copyShort(packet.bytes, data - FRAGMENT_HEADER, frame.bytes, DATA_AT - FRAGMENT_HEADER, FRAGMENT_HEADER);
    frame.bytes[ipv6NextHeaderAt(at)] = FRAGMENT;
    setIpv6PayloadLength(frame.bytes, at, FRAGMENT_HEADER + length);
    return at;
  }

  /** Adjusts the header to the whole packet. */
  private finish(datagram: Datagram, frame: Frame): Frame {
    const { bytes } = frame;
    frame.end = DATA_AT + datagram.length;
    frame.segmentSize = 0;
    frame.checksumTrusted = false;
    if (this.options.version === 4) {
      frame.start = datagram.header;
      refitIpv4(bytes, frame.start, frame.end - frame.start, 0);
    } else {
      const protocol = fragmentNextHeader(bytes, DATA_AT - FRAGMENT_HEADER);
      frame.start = datagram.header + FRAGMENT_HEADER;
      bytes.copyWithin(frame.start, datagram.header, datagram.header + IPV6_HEADER);
      bytes[ipv6NextHeaderAt(frame.start)] = protocol;
      setIpv6PayloadLength(bytes, frame.start, datagram.length);
    }
    this.options.counters.reassembled++;
    return frame;
  }

  private reschedule(): void {
    const { timers } = this.options;
    if (this.datagrams.length === 0) timers.cancel(this);
    else if (this.deadline !== this.datagrams[0].deadline) timers.schedule(this, this.datagrams[0].deadline);
  }
}
