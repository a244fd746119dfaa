/**
 * The host's network as `forward/` uses it: streams, listeners and datagram sockets behind one interface. There are two
 * implementations, by libc's calls (ffi/host/) and by Deno's (deno.ts); tests have their own.
 *
 * Reads and writes complete at once or later. A call that can complete now returns its result; otherwise it returns
 * {@linkcode PENDING}, and the handler is called later. At most one read and one write of a stream are pending.
 *
 * @module
 */
import type { Endpoint, IpAddress } from "../../stack/base/address.ts";
import type { Chunk } from "../../stack/base/device.ts";

/** Returned by {@linkcode HostStream.read} and {@linkcode HostStream.write}: the handler will be called. */
export const PENDING = -1;

/** The reasons why an operation of the host failed, in the categories that a guest can be told. */
export type HostFailure =
  | "refused" // ECONNREFUSED
  | "reset" // ECONNRESET, EPIPE
  | "network-unreachable" // ENETUNREACH, ENETDOWN
  | "host-unreachable" // EHOSTUNREACH, EHOSTDOWN
  | "timeout" // ETIMEDOUT
  | "prohibited" // EACCES, EPERM
  | "resources" // EMFILE, ENFILE, ENOMEM, ENOBUFS, EADDRNOTAVAIL
  | "aborted" // the caller's own signal
  | "other";

/** An operation of the host's network failed. */
export class HostError extends Error {
  override name = "HostError";
  /** The ICMP error that caused it, if it was read; see {@linkcode DialOptions.hopLimit}. */
  icmp: IcmpReport | null = null;

  constructor(readonly failure: HostFailure, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Takes the outcomes of pending operations. Never called from within `read` or `write`. */
export interface HostStreamHandler {
  /** A pending read is complete: `length` bytes, 0 at the end of the stream. */
  readDone(length: number): void;
  readFailed(error: HostError): void;
  /** A pending write is complete: `length` bytes (at least one) were taken. */
  writeDone(length: number): void;
  writeFailed(error: HostError): void;
}

/** A connected TCP socket of the host. */
export interface HostStream {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** Must be set before the first read or write. */
  handler: HostStreamHandler | null;
  /** Whether the end of the stream is known to follow the data read last: the next read gives 0. */
  readonly ended: boolean;
  /** Reads into the chunk. Returns the length, 0 at the end of the stream, or PENDING. May throw a HostError. */
  read(into: Chunk): number;
  /** Writes from the chunk. Returns the length taken (at least 1), or PENDING. May throw a HostError. */
  write(from: Chunk): number;
  /** Ends the writing direction (FIN). */
  closeWrite(): void;
  /** Closes both directions. A pending operation may still use its chunk's memory; the handler is not called again. */
  close(): void;
  /** Closes with RST, so that the peer sees a reset. */
  reset(): void;
}

/** A listening TCP socket of the host. */
export interface HostListener {
  readonly local: Endpoint;
  close(): void;
}

/** An ICMP error about a datagram. */
export interface IcmpReport {
  /** Type and code of ICMP or ICMPv6, by the version of the datagram's destination. */
  readonly type: number;
  readonly code: number;
  /** The error's source; null: not known. */
  readonly from: IpAddress | null;
}

/** A datagram that was not delivered, as far as it is known. */
export interface LostDatagram {
  /** The error of a router or of the destination; null: the host's own kernel did not send the datagram. */
  readonly icmp: IcmpReport | null;
  /** If it was too large: the largest IP packet that passes, in bytes; 0: not known, or there was another reason. */
  readonly mtu: number;
  /** A copy of the beginning of its data, and the length of all its data (or of `data`, if that is not known). */
  readonly data: Uint8Array;
  readonly length: number;
}

/** Takes the datagrams and errors of a {@linkcode HostDatagram}. */
export interface HostDatagramHandler {
  /**
   * A datagram arrived; `bytes[0..length)` is valid until the call returns.
   *
   * @param asked the address of the host that it was sent to, on crowded sockets with the wildcard; null: not known
   */
  received(bytes: Uint8Array, length: number, from: Endpoint, asked: IpAddress | null): void;
  /**
   * A send failed, or the network reported an error about an earlier datagram. Never called from within `send`.
   *
   * @param to the datagram's destination; null: not known
   * @param lost the datagram; null: not known which
   */
  failed(error: HostError, to: Endpoint | null, lost: LostDatagram | null): void;
}

/** A UDP socket of the host. */
export interface HostDatagram {
  readonly local: Endpoint;
  /**
   * Sends a copy of `bytes[offset .. offset + length)`.
   *
   * @param from the source address, on a socket with the wildcard; null or not given: the kernel chooses it by the route
   */
  send(bytes: Uint8Array, offset: number, length: number, to: Endpoint, from?: IpAddress | null): void;
  /**
   * Sets how datagrams are sent from now on, as far as the implementation can.
   *
   * @param hopLimit their time to live or hop limit, 1 to 255; 0: the system's default
   * @param dontFragment a datagram larger than the path's MTU is lost, with a report, instead of fragmented
   */
  setPath(hopLimit: number, dontFragment: boolean): void;
  close(): void;
}

/** Options of {@linkcode HostNetwork.dial}. */
export interface DialOptions {
  /** The interface to go through, by name or number: the zone of a link-local address (RFC 4007, section 11). */
  readonly zone?: string;
  /**
   * The time to live or hop limit of the connection's first packets, 1 to 255; 0 or not given: the system's default. With
   * one, an error names the router that reported it.
   */
  readonly hopLimit?: number;
}

/**
 * The outcome of a {@linkcode HostNetwork.dial}. One of the two is called, once, never from within `dial`, and not after
 * {@linkcode HostDial.cancel}.
 */
export interface HostDialHandler {
  connected(stream: HostStream): void;
  /** A {@linkcode HostError}; any other error is a fault of this program. */
  failed(error: unknown): void;
}

/** A dial under way. */
export interface HostDial {
  /** Cancels the dial. Does nothing after its end. */
  cancel(): void;
}

/** Options of {@linkcode HostNetwork.listen}. */
export interface ListenOptions {
  /** The wildcard of IPv6 does not take IPv4, as far as the implementation can. */
  readonly oneVersion?: boolean | undefined;
}

/** Options of {@linkcode HostNetwork.datagram}. */
export interface DatagramOptions {
  /** Many peers send to the socket at any time, so its receive buffer must hold the bursts of a busy moment. */
  readonly crowded?: boolean;
  /** As in {@linkcode ListenOptions}. */
  readonly oneVersion?: boolean | undefined;
  /** As in {@linkcode DialOptions}. */
  readonly zone?: string;
}

/** The host's network. */
export interface HostNetwork {
  /** Connects, and calls the handler with the outcome. Never throws. Nagle's algorithm is off on the stream. */
  dial(remote: Endpoint, handler: HostDialHandler, options?: DialOptions): HostDial;
  /** Listens on an address and port (0: any free one), and hands over the accepted streams. Throws a HostError. */
  listen(local: Endpoint, accepted: (stream: HostStream) => void, options?: ListenOptions): HostListener;
  /** Opens a UDP socket on an address (the wildcard: all of its version) and port (0: any). Throws a HostError. */
  datagram(local: Endpoint, handler: HostDatagramHandler, options?: DatagramOptions): HostDatagram;
}
