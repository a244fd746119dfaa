/**
 * The face of TCP towards its user: a request to connect, an open connection, and what it tells its user.
 *
 * @module
 */
import type { Endpoint, IpAddress } from "../base/address.ts";
import type { Chunk } from "../base/device.ts";
import type { Unreachable } from "../base/layers.ts";

/** Why a connection ended in another way than by both sides' FIN. */
export type TcpFailure =
  /** The peer sent RST (in SYN-SENT: it refused). */
  | "reset"
  /** Retransmissions, probes or keepalives went unanswered. */
  | "timeout"
  /** The network said that the peer can't be reached (ICMP in SYN-SENT). */
  | "unreachable"
  /** The user called {@linkcode TcpFlow.abort}, or the stack was closed. */
  | "aborted";

/** What a connection tells its user. Called while a frame is handled or a timer runs; must not throw. */
export interface TcpHandler {
  /** The three-way handshake is complete. */
  established(): void;
  /** There is more to read: data, or the end of it. At most once per turn and connection. */
  readable(): void;
  /** {@linkcode TcpFlow.reserve} gave null before, and has room now. */
  writable(): void;
  /**
   * The connection is over and nothing more is called: null when both sides closed in good order (all that was
   * written is acknowledged; TIME-WAIT, if any, is the stack's own affair).
   */
  closed(failure: TcpFailure | null): void;
}

/** An open (or opening) TCP connection with the guest. */
export interface TcpFlow {
  /** The guest's end. */
  readonly guest: Endpoint;
  /** The end that this program plays. */
  readonly local: Endpoint;
  /**
   * Who is told of the connection's events. May be replaced at any time, also from within one of its calls: whatever is
   * told afterwards goes to the new handler, and nothing is told twice. After the end it stays what it was.
   */
  handler: TcpHandler;
  /** Bytes received in order and not consumed yet. */
  readonly readable: number;
  /** True once the peer's FIN was reached and all data before it consumed. */
  readonly readEnded: boolean;
  /** Bytes received from and sent to (acknowledged by) the peer so far. */
  readonly bytesReceived: number;
  readonly bytesAcknowledged: number;

  /**
   * The oldest received data that was not consumed, as one contiguous piece; null when there is none.
   * The memory stays valid until {@linkcode consume}, whatever happens to the connection meanwhile.
   */
  peek(): Chunk | null;
  /** Copies the oldest received data that were not consumed, as many as `into` holds; returns their length. */
  copyReceived(into: Uint8Array): number;
  /** Gives back the first `length` bytes of what {@linkcode peek} gave; the receive window opens accordingly. */
  consume(length: number): void;

  /**
   * Memory to write into, at least one byte and at most `wanted`; null when the send buffer is full, or the handshake is
   * not complete: a flood of such connections takes no memory for what they may never send (`writable` is called later). Stays valid until {@linkcode commit} or the next reserve, whatever happens to the connection.
   */
  reserve(wanted: number): Chunk | null;
  /**
   * Queues the first `length` bytes (0: none) of what {@linkcode reserve} gave, and sends what may be sent.
   *
   * @param last nothing follows: as {@linkcode shutdown}, but FIN is in the segment of the last byte
   */
  commit(length: number, last?: boolean): void;

  /** Sends FIN after all that was committed. Reading goes on. Calling it again does nothing. */
  shutdown(): void;
  /** Sends RST and forgets the connection; `closed("aborted")` is not called. After the end it does nothing. */
  abort(): void;
}

/** A SYN from the guest that waits for a verdict. Retransmitted SYNs are absorbed meanwhile. */
export interface TcpRequest {
  readonly guest: Endpoint;
  /** Where the guest wants to connect to. */
  readonly local: Endpoint;
  /** The time to live or hop limit with which the SYN arrived. */
  readonly hopLimit: number;
  /** Called if the guest gives up (RST) or the stack drops the request (too many, too old) before the verdict. */
  cancelled: (() => void) | null;
  /** Sends the SYN-ACK. Null: the guest gave up before, or there are too many connections (it gets RST then). */
  accept(handler: TcpHandler): TcpFlow | null;
  /** Sends RST: connection refused. */
  refuse(): void;
  /** Sends an ICMP destination unreachable about the SYN, and forgets it. */
  unreachable(what: Unreachable): void;
  /** Answers the SYN with time exceeded: its hop limit ended here. */
  timeExceeded(): void;
  /** Answers the SYN with the ICMP error of a router or of the destination, and forgets it; `from` null: the program's. */
  relay(type: number, code: number, from: IpAddress | null): void;
  /** Forgets the request without an answer. */
  drop(): void;
}
