/**
 * What a connection needs of the TCP layer around it.
 *
 * @module
 */
import type { Endpoint, IpAddress } from "../base/address.ts";
import type { Transmit } from "../base/device.ts";
import type { IpSender, Timers } from "../base/layers.ts";
import type { BufferMemory } from "./buffers/memory.ts";

/** Events of all connections, counted since the start. */
export interface TcpCounters {
  /** Segments received and sent, of any kind; a large offloaded one counts once. */
  segmentsIn: number;
  segmentsOut: number;
  /** Segments that were malformed, or had a wrong checksum. */
  malformed: number;
  badChecksum: number;
  /** Segments sent again. */
  retransmissions: number;
  resetsIn: number;
  resetsOut: number;
  /** Connections that became established, from the guest and to it. */
  accepted: number;
  connected: number;
  /** Connections that ended because the guest did not answer any more. */
  timeouts: number;
  /** Requests and half-open connections that were dropped because there were too many. */
  overflows: number;
  /** Of these, half-open connections. */
  halfOpenEvicted: number;
  /** Connections that did not come about because there were too many. */
  connectionsRefused: number;
}

/** What a connection needs of the TCP layer to send, to count and to tell the time. */
export interface TcpContext {
  readonly memory: BufferMemory;
  readonly transmit: Transmit;
  readonly ip: IpSender;
  readonly timers: Timers;
  readonly counters: TcpCounters;
  /** The value for a timestamps option: ms, with a random offset so that it does not tell how long we run. */
  timestamp(): number;
  /** The time now, in ms: read once in a turn. */
  now(): number;
  /** Whether one more challenge ACK may be sent (RFC 5961, section 7). */
  mayChallenge(now: number): boolean;
  /** Sends a segment without data and options, and with a closed window. */
  sendBare(local: Endpoint, guest: Endpoint, flags: number, sequence: number, acknowledgment: number): void;
  /** An initial sequence number for a connection (RFC 6528). */
  initialSequence(local: Endpoint, guest: Endpoint, now: number): number;
}

/** The length of an IP header without options or extension headers. */
export function ipHeaderLength(address: IpAddress): number {
  return address.version === 4 ? 20 : 40;
}
