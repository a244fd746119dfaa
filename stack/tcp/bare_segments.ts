/**
 * Segments without data that no connection sends: resets, and acknowledgments in TIME-WAIT.
 *
 * @module
 */
import type { Endpoint } from "../base/address.ts";
import { type Transmit, TRANSPORT_AT } from "../base/device.ts";
import type { IpSender } from "../base/layers.ts";
import {
  ACK,
  putHeader,
  putTimestamps,
  RST,
  TCP_CHECKSUM,
  TCP_HEADER,
  TCP_PROTOCOL,
  TIMESTAMPS_LENGTH,
} from "../wire/tcp.ts";
import type { TcpCounters } from "./context.ts";
import type { TimeWait } from "./time_wait.ts";

/** Writes bare segments, and sends them through IP. */
export class BareSegments {
  constructor(
    private readonly transmit: Transmit,
    private readonly ip: IpSender,
    private readonly counters: TcpCounters,
  ) {}

  /** Sends a segment without data and options, with a closed window. */
  send(local: Endpoint, guest: Endpoint, flags: number, sequence: number, acknowledgment: number): void {
    this.sendHeader(local, guest, flags, sequence, acknowledgment, TCP_HEADER);
  }

  /** Answers a segment that has an acknowledgment number, which is the reset's sequence number. */
  reset(local: Endpoint, guest: Endpoint, sequence: number): void {
    this.counters.resetsOut++;
    this.send(local, guest, RST, sequence, 0);
  }

  /** Answers a segment without an acknowledgment number. */
  resetAck(local: Endpoint, guest: Endpoint, acknowledgment: number): void {
    this.counters.resetsOut++;
    this.send(local, guest, RST | ACK, 0, acknowledgment);
  }

  /** Repeats the last acknowledgment of a connection in TIME-WAIT. `timestamp` is the present one. */
  acknowledge({ local, guest, sndNxt, rcvNxt, timestamp: echo }: TimeWait, timestamp: number): void {
    if (echo === null) return this.send(local, guest, ACK, sndNxt, rcvNxt);
    // a peer with timestamps drops segments without them (RFC 7323, section 3.2)
    putTimestamps(this.transmit.head.bytes, TRANSPORT_AT + TCP_HEADER, timestamp, echo);
    this.sendHeader(local, guest, ACK, sndNxt, rcvNxt, TCP_HEADER + TIMESTAMPS_LENGTH);
  }

  /** Sends a segment without data, whose options are in the head already. */
  private sendHeader(
    local: Endpoint,
    guest: Endpoint,
    flags: number,
    sequence: number,
    acknowledgment: number,
    length: number,
  ): void {
    const { transmit } = this;
    transmit.begin(length);
    const head = transmit.head.bytes;
    putHeader(head, TRANSPORT_AT, local.port, guest.port, sequence, acknowledgment, flags, 0, length);
    this.counters.segmentsOut++;
    this.ip.send(transmit, local.address, guest.address, TCP_PROTOCOL, TCP_CHECKSUM);
  }
}
