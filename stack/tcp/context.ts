/**
 * The interface of the TCP layer that a connection uses.
 *
 * @module
 */
import type { Endpoint, IpAddress } from "../base/address.ts";
import type { Transmit } from "../base/device.ts";
import type { IpSender, Timers } from "../base/layers.ts";
import type { BufferMemory } from "./buffers/memory.ts";

/** Events of all connections, counted since the start. */
export interface TcpCounters {
  /** Segments received and sent, of any kind. A large offloaded one counts once. */
  segmentsIn: number;
  segmentsOut: number;
  /** Segments that were malformed, or had a wrong checksum. */
  malformed: number;
  badChecksum: number;
  /** Retransmitted segments. */
  retransmissions: number;
  resetsIn: number;
  resetsOut: number;
  /** Connections that became established, from the guest and to it. */
  accepted: number;
  connected: number;
  /** Connections that ended because the guest stopped answering. */
  timeouts: number;
  /** Requests and half-open connections that were dropped because there were too many. */
  overflows: number;
  /** Of these, half-open connections. */
  halfOpenEvicted: number;
  /** Connections that were refused because there were too many. */
  connectionsRefused: number;
}

/** The methods and objects of the TCP layer with which a connection sends, counts and reads the time. */
export interface TcpContext {
  readonly memory: BufferMemory;
  readonly transmit: Transmit;
  readonly ip: IpSender;
  readonly timers: Timers;
  readonly counters: TcpCounters;
  /** The value for a timestamps option, in ms, with a random offset that hides the program's running time. */
  timestamp(): number;
  /** The time now, in ms. The clock is read once in a turn. */
  now(): number;
  /** Whether one more challenge ACK may be sent (RFC 5961, section 7). */
  mayChallenge(now: number): boolean;
  /** Sends a segment without data and options, with a closed window. */
  sendBare(local: Endpoint, guest: Endpoint, flags: number, sequence: number, acknowledgment: number): void;
  /** An initial sequence number for a connection (RFC 6528). */
  initialSequence(local: Endpoint, guest: Endpoint, now: number): number;
}

/** The length of an IP header without options or extension headers. */
export function ipHeaderLength(address: IpAddress): number {
  return address.version === 4 ? 20 : 40;
}
