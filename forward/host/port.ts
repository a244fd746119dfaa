/**
 * The host's network as `forward/` uses it: streams, listeners and datagram sockets behind one small interface, so
 * that one implementation can be exchanged for another and tests can do without a network.
 *
 * Reads and writes complete at once or later: a call that can finish now returns its result; otherwise it returns
 * {@linkcode PENDING} and the handler is told. At most one read and one write of a stream are pending at a time.
 *
 * @module
 */
import type { Endpoint, IpAddress } from "../../stack/base/address.ts";
import type { Chunk } from "../../stack/tcp/flow.ts";

/** Returned by {@linkcode HostStream.read} and {@linkcode HostStream.write}: the handler will be called. */
export const PENDING = -1;

/** Why an operation of the host failed, in the categories that a guest can be told. */
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
  constructor(readonly failure: HostFailure, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** What a {@linkcode HostStream} tells its user. Never called from within `read` or `write`. */
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
  /** Whether the end of the stream is known to have come with what was read last: the next read gives 0. */
  readonly ended: boolean;
  /** Reads into the chunk. The count, 0 at the end of the stream, or {@linkcode PENDING}. May throw a HostError. */
  read(into: Chunk): number;
  /** Writes from the chunk. The count taken (at least one), or {@linkcode PENDING}. May throw a HostError. */
  write(from: Chunk): number;
  /** Ends the writing direction (FIN). */
  closeWrite(): void;
  /** Closes both directions. A pending operation may still touch its chunk's memory, but the handler is silent. */
  close(): void;
  /** Closes with RST, so that the peer sees a reset. */
  reset(): void;
}

/** A listening TCP socket of the host. */
export interface HostListener {
  readonly local: Endpoint;
  close(): void;
}

/** What ICMP has said about a datagram. */
export interface IcmpReport {
  /** Of ICMP or ICMPv6, by the version of where the datagram was to go. */
  readonly type: number;
  readonly code: number;
  /** Who has sent it; null: not known. */
  readonly from: IpAddress | null;
}

/** A datagram that was not delivered, as far as it is known. */
export interface LostDatagram {
  /** What has brought the news; null: the host's own kernel did not send it. */
  readonly icmp: IcmpReport | null;
  /** Where it was too large: the largest IP packet in bytes that passes; 0: not known, or that is not why. */
  readonly mtu: number;
  /** The beginning of its data, a copy; and the length of all of its data, that of `data` where nobody knows. */
  readonly data: Uint8Array;
  readonly length: number;
}

/** What a {@linkcode HostDatagram} tells its user. */
export interface HostDatagramHandler {
  /**
   * A datagram arrived; `bytes[0..length)` is valid until the call returns.
   *
   * @param asked the address of the host that it was sent to, of crowded sockets on the wildcard; null: not known
   */
  received(bytes: Uint8Array, length: number, from: Endpoint, asked: IpAddress | null): void;
  /**
   * A send failed, or the network reported an error about an earlier datagram. Never called from within `send`.
   *
   * @param to where the datagram was to go; null: not known
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
   * @param from the address of the host that it comes from, of a socket on the wildcard; null or not given: by the route
   */
  send(bytes: Uint8Array, offset: number, length: number, to: Endpoint, from?: IpAddress | null): void;
  /**
   * How the datagrams that are sent from now on travel, as far as this implementation can say so.
   *
   * @param hopLimit their time to live or hop limit, 1 to 255; 0: the system's usual one
   * @param dontFragment one that is larger than the path's MTU is lost, with a report, and not sent in fragments
   */
  setPath(hopLimit: number, dontFragment: boolean): void;
  close(): void;
}

/** Options of {@linkcode HostNetwork.dial}. */
export interface DialOptions {
  /** The interface to go through, by name or number: the zone of a link-local address (RFC 4007, section 11). */
  readonly zone?: string;
}

/**
 * The outcome of a {@linkcode HostNetwork.dial}. One of the two is called, once, never from within `dial`, and not after
 * {@linkcode HostDial.cancel}.
 */
export interface HostDialHandler {
  connected(stream: HostStream): void;
  /** A {@linkcode HostError}; or what can only be a fault of this program. */
  failed(error: unknown): void;
}

/** A dial under way. */
export interface HostDial {
  /** Gives it up. After its end it does nothing. */
  cancel(): void;
}

/** Options of {@linkcode HostNetwork.datagram}. */
export interface DatagramOptions {
  /** Many will send to it, at any time: there must be room for what comes while this program is busy. */
  readonly crowded?: boolean;
  /** As in {@linkcode DialOptions}. */
  readonly zone?: string;
}

/** The host's network. */
export interface HostNetwork {
  /** Connects, and tells the handler. Never throws. Nagle's algorithm is off on the stream. */
  dial(remote: Endpoint, handler: HostDialHandler, options?: DialOptions): HostDial;
  /** Listens on an address and port (0: any free one), and hands over each accepted stream. Throws a HostError. */
  listen(local: Endpoint, accepted: (stream: HostStream) => void): HostListener;
  /** A UDP socket on an address (the wildcard: all of its version) and port (0: any). Throws a HostError. */
  datagram(local: Endpoint, handler: HostDatagramHandler, options?: DatagramOptions): HostDatagram;
}
