/**
 * The interfaces of the lower layers that the transports use.
 *
 * @module
 */
import type { IpAddress, IpVersion } from "./address.ts";
import type { Transmit } from "./device.ts";
import type { Packet } from "./packet.ts";

/** The IP layer's sending side. */
export interface IpSender {
  /** The largest IP packet in bytes. */
  readonly mtu: number;
  /** Whether TCP segments larger than the MTU may be sent with {@linkcode Transmit.segmentSize} set. */
  canSegment(version: IpVersion): boolean;
  /**
   * Writes the IP header (and the link's) before the transport header at TRANSPORT_AT, completes or prepares the
   * checksum, fragments a packet that is larger than the MTU and not segmented, and sends.
   *
   * @param protocol the IP protocol number
   * @param checksumField offset of the 16-bit checksum in the transport header; the field must be 0 on entry
   * @returns whether the device accepted all of it
   */
  send(transmit: Transmit, source: IpAddress, destination: IpAddress, protocol: number, checksumField: number): boolean;
}

/** The same for UDP. */
export interface UdpSender extends IpSender {
  /** Whether several datagrams of one size (the last may be shorter) may be sent as one, with `segmentSize` set. */
  readonly canSegmentUdp: boolean;
  /**
   * The largest IP packet to that address in bytes: the MTU, or less if the guest has reported a smaller link behind
   * it.
   */
  mtuTowards(destination: IpAddress): number;
}

/** The kind of an unreachable error to the guest; the ICMP code depends on the IP version. */
export type Unreachable = "network" | "host" | "port" | "prohibited";

/** Sends ICMP errors to the guest. */
export interface IcmpErrors {
  /**
   * Sends a destination unreachable (RFC 792, RFC 4443 section 3.1) about the IP packet that starts at `offset`, unless
   * the rate limit or the rules of RFC 1122 section 3.2.2 forbid it.
   */
  unreachable(what: Unreachable, bytes: Uint8Array, offset: number, end: number): void;
  /** The same with time exceeded in transit: the packet's hop limit has ended here. */
  timeExceeded(bytes: Uint8Array, offset: number, end: number): void;
  /**
   * Passes on an ICMP error of the host's network about the packet.
   *
   * @param type, code those of the ICMP of the packet's IP version
   * @param from the error's sender; null: the program
   */
  relay(type: number, code: number, from: IpAddress | null, bytes: Uint8Array, offset: number, end: number): void;
}

/** A protocol above IP. Must not throw. The packet is the same object each time, and belongs to the IP layer. */
export interface PacketReceiver {
  receive(packet: Packet): void;
}

/** The kind of an ICMP error of the guest about a packet that the stack sent. */
export type IcmpErrorKind = "unreachable" | "too-big";

/** Handles ICMP errors of the guest about packets that the stack sent. */
export interface IcmpErrorReceiver {
  /**
   * The guest quotes a packet, which it may have forged: the receiver must check that the stack can have sent it
   * (RFC 5927). All offsets are into `packet.bytes`.
   *
   * @param packet the ICMP packet
   * @param quoted offset of the quoted IP header
   * @param transport offset of the quoted transport header, of which there are at least 8 bytes
   * @param mtu for "too-big": the largest packet that passes, by the guest's report; otherwise 0
   */
  icmpError(packet: Packet, quoted: number, transport: number, what: IcmpErrorKind, mtu: number): void;
}

/** Handles the guest's reports of path MTUs over IPv6 (RFC 8201). */
export interface PathMtuReports {
  /**
   * A packet too big message (RFC 4443, section 3.2).
   *
   * @param bytes, offset the place of the quoted packet's destination address
   * @param mtu the message's value; a value below 1280 counts as 1280 (RFC 8201, section 4)
   */
  report(bytes: Uint8Array, offset: number, mtu: number): void;
}

/** Schedules timers. */
export interface Timers {
  /** Calls `timer.fire(now)` at `deadline` (ms of the stack's clock) or soon after; replaces an earlier deadline. */
  schedule(timer: Timer, deadline: number): void;
  /** Cancels the timer. */
  cancel(timer: Timer): void;
}

/** A timer's owner; `slot` and `deadline` belong to the queue. */
export interface Timer {
  /** The time at which it fires; Infinity: not scheduled. */
  deadline: number;
  /** Its position in the queue; -1: not in the queue. */
  slot: number;
  fire(now: number): void;
}
