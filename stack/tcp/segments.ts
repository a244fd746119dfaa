/**
 * Builds a connection's segments: SYN with its options, acknowledgments with SACK blocks, and data. A segment's content
 * follows from the two halves of the connection and from the options that both sides have agreed on.
 *
 *     Connection ── SYN, acknowledgment ─┐
 *                                        ▼
 *     Sender ───── data, FIN ──────► SegmentWriter ── header, options ──► IP
 *
 * @module
 */
import type { Endpoint } from "../base/address.ts";
import { put32 } from "../base/bytes.ts";
import { Segmentation, TRANSPORT_AT } from "../base/device.ts";
import {
  ACK,
  FIN,
  PSH,
  putHeader,
  putMaximumSegmentSize,
  putSackHead,
  putSackPermitted,
  putTimestamps,
  putWindowScale,
  SYN,
  TCP_CHECKSUM,
  TCP_HEADER,
  TCP_PROTOCOL,
  TIMESTAMPS_LENGTH,
} from "../wire/tcp.ts";
import { WINDOW_SHIFT } from "./numbers/constants.ts";
import { ipHeaderLength, type TcpContext } from "./context.ts";
import type { Receiver } from "./receiver.ts";
import type { SegmentOutput, Sender } from "./sending/sender.ts";
import { seqBefore } from "./numbers/sequence.ts";

/** The largest IP packet that a device with segmentation accepts, in bytes. */
const MAX_SUPER_SEGMENT = 65_535;

/** The edges of the SACK blocks in an acknowledgment: four blocks fit, three with timestamps (RFC 2018, section 3). */
const SACK_EDGES = new Int32Array(8);
const SACK_EDGES_BESIDE_TIMESTAMPS = SACK_EDGES.subarray(0, 6);

/** Writes the segments of one connection, and sends them through IP. */
export class SegmentWriter implements SegmentOutput {
  /** Whether both sides sent the timestamps option (RFC 7323, section 3.2). */
  timestamps = false;
  maxSegment: number;

  constructor(
    private readonly context: TcpContext,
    private readonly local: Endpoint,
    private readonly guest: Endpoint,
    private readonly receiver: Receiver,
  ) {
    this.maxSegment = largestSegment(context, guest);
  }

  /** The bytes of options in every segment of an established connection. */
  get optionsLength(): number {
    return this.timestamps ? TIMESTAMPS_LENGTH : 0;
  }

  /** Sets the data bytes of a full segment. A device that segments gets several full segments at once. */
  setSegmentSize(mss: number): void {
    const { address } = this.guest;
    const room = MAX_SUPER_SEGMENT - ipHeaderLength(address) - TCP_HEADER - TIMESTAMPS_LENGTH;
    this.maxSegment = this.context.ip.canSegment(address.version) ? Math.max(mss, room - room % mss) : mss;
  }

  /** Sends SYN. `answering`: the peer's SYN has arrived, and only its options are answered. */
  sendSyn(sender: Sender, answering: boolean): void {
    const { receiver, context, guest } = this;
    const bytes = context.transmit.head.bytes;
    let at = putMaximumSegmentSize(bytes, TRANSPORT_AT + TCP_HEADER, largestSegment(context, guest));
    if (!answering || sender.sack) at = putSackPermitted(bytes, at);
    if (!answering || this.timestamps) {
      at = putTimestamps(bytes, at, context.timestamp(), answering ? receiver.timestampRecent : 0);
    }
    if (!answering || receiver.shift > 0) at = putWindowScale(bytes, at, WINDOW_SHIFT);
    this.sendHeader(answering ? SYN | ACK : SYN, sender.iss, receiver.synWindow, at - TRANSPORT_AT);
  }

  /** Sends an acknowledgment without data. `sack`: with SACK blocks if there are gaps. */
  sendAcknowledgment(sequence: number, sack: boolean): void {
    const { receiver, context } = this;
    const bytes = context.transmit.head.bytes;
    let at = TRANSPORT_AT + TCP_HEADER;
    if (this.timestamps) at = this.putTimestamp(bytes, at);
    if (sack) {
      const edges = this.timestamps ? SACK_EDGES_BESIDE_TIMESTAMPS : SACK_EDGES;
      const count = receiver.sackRanges(edges);
      if (count > 0) {
        at = putSackHead(bytes, at, count);
        for (let i = 0; i < 2 * count; i++, at += 4) put32(bytes, at, edges[i]);
      }
    }
    this.sendHeader(ACK, sequence, receiver.advertise(), at - TRANSPORT_AT);
    receiver.acknowledged();
  }

  sendData(sender: Sender, sequence: number, offset: number, length: number, fin: boolean): number {
    const { receiver, context } = this;
    const { transmit } = context;
    let at = TRANSPORT_AT + TCP_HEADER;
    if (this.timestamps) at = this.putTimestamp(transmit.head.bytes, at);
    transmit.begin(at - TRANSPORT_AT);
    const sent = length > 0 ? sender.buffer.addTo(transmit, offset, length) : 0;
    if (seqBefore(sequence, sender.max)) context.counters.retransmissions++;
    let flags = ACK;
    if (fin && sent === length) flags |= FIN;
    if (offset + sent === sender.buffer.length) flags |= PSH;
    if (sent > sender.mss) {
      transmit.segmentation = this.guest.address.version === 4 ? Segmentation.Tcp4 : Segmentation.Tcp6;
      transmit.segmentSize = sender.mss;
    }
    this.emit(flags, sequence, receiver.advertise(), at - TRANSPORT_AT);
    // if there are gaps, the acknowledgment with SACK blocks is sent separately
    if (receiver.buffer.outOfOrderCount === 0) receiver.acknowledged();
    return sent;
  }

  private putTimestamp(bytes: Uint8Array, at: number): number {
    return putTimestamps(bytes, at, this.context.timestamp(), this.receiver.timestampRecent);
  }

  private sendHeader(flags: number, sequence: number, window: number, headerLength: number): void {
    this.context.transmit.begin(headerLength);
    this.emit(flags, sequence, window, headerLength);
  }

  private emit(flags: number, sequence: number, window: number, headerLength: number): void {
    const { context, local, guest } = this;
    const acknowledgment = flags & ACK ? this.receiver.nxt : 0;
    const head = context.transmit.head.bytes;
    putHeader(head, TRANSPORT_AT, local.port, guest.port, sequence, acknowledgment, flags, window, headerLength);
    context.counters.segmentsOut++;
    context.ip.send(context.transmit, local.address, guest.address, TCP_PROTOCOL, TCP_CHECKSUM);
  }
}

/** The most data bytes of a segment without options, by the MTU: the MSS that is announced to the peer. */
export function largestSegment({ ip }: TcpContext, guest: Endpoint): number {
  return ip.mtu - ipHeaderLength(guest.address) - TCP_HEADER;
}
