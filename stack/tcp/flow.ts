/**
 * The interface of TCP to its user: a request to connect, an open connection, and the handler of its events.
 *
 * @module
 */
import type { Endpoint, IpAddress } from "../base/address.ts";
import type { Chunk } from "../base/device.ts";
import type { Unreachable } from "../base/layers.ts";

/** The reason why a connection ended in another way than by both sides' FIN. */
export type TcpFailure =
  /** The peer sent RST (in SYN-SENT: it refused). */
  | "reset"
  /** Retransmissions, probes or keepalives went unanswered. */
  | "timeout"
  /** The network reported that the peer can't be reached (ICMP in SYN-SENT). */
  | "unreachable"
  /** The user called {@linkcode TcpFlow.abort}, or the stack was closed. */
  | "aborted";

/** Handles a connection's events. Called while a frame is handled or a timer runs; must not throw. */
export interface TcpHandler {
  /** The three-way handshake is complete. */
  established(): void;
  /** There is more to read: data or its end. At most once per turn and connection. */
  readable(): void;
  /** {@linkcode TcpFlow.reserve} returned null before, and has room now. */
  writable(): void;
  /**
   * The connection has ended, and nothing else is called afterwards. Null: both sides have closed in good order, and
   * all written data is acknowledged. The stack handles TIME-WAIT by itself.
   */
  closed(failure: TcpFailure | null): void;
}

/** An open (or opening) TCP connection with the guest. */
export interface TcpFlow {
  /** The guest's endpoint. */
  readonly guest: Endpoint;
  /** The endpoint that this program acts as. */
  readonly local: Endpoint;
  /**
   * The handler of the connection's events. It may be replaced at any time, even from within one of its methods: later
   * events go to the new handler, and no event is reported twice. After the connection's end it can't be replaced.
   */
  handler: TcpHandler;
  /** Bytes received in order and not consumed yet. */
  readonly readable: number;
  /** Whether the peer's FIN was reached and all data before it is consumed. */
  readonly readEnded: boolean;
  /** Bytes received from, and acknowledged by, the peer so far. */
  readonly bytesReceived: number;
  readonly bytesAcknowledged: number;

  /**
   * The oldest received data that is not consumed, as one contiguous piece; null: there is none. The memory stays valid
   * until {@linkcode consume}, whatever happens to the connection meanwhile.
   */
  peek(): Chunk | null;
  /** Copies the oldest received data that is not consumed, as far as it fits `into`. Returns the length. */
  copyReceived(into: Uint8Array): number;
  /** Consumes the first `length` bytes of the piece from {@linkcode peek}. The receive window opens accordingly. */
  consume(length: number): void;

  /**
   * Memory to write into, at least one byte and at most `wanted`. Null, and `writable` is called later, if the send
   * buffer is full or the handshake is not complete, so that a flood of half-open connections takes no memory. The
   * memory stays valid until {@linkcode commit} or the next reserve, whatever happens to the connection.
   */
  reserve(wanted: number): Chunk | null;
  /**
   * Queues the first `length` bytes (0: none) of the memory from {@linkcode reserve}, and sends what may be sent.
   *
   * @param last whether nothing follows: as {@linkcode shutdown}, but FIN is in the segment of the last byte
   */
  commit(length: number, last?: boolean): void;

  /** Sends FIN after all committed data. Reading goes on. A second call does nothing. */
  shutdown(): void;
  /** Sends RST and ends the connection. `closed` is not called. After the connection's end it does nothing. */
  abort(): void;
}

/** A SYN from the guest that waits for a verdict. Meanwhile retransmitted SYNs are ignored. */
export interface TcpRequest {
  readonly guest: Endpoint;
  /** The destination. */
  readonly local: Endpoint;
  /** The time to live or hop limit with which the SYN arrived. */
  readonly hopLimit: number;
  /** Called if, before the verdict, the guest gives up (RST) or the stack drops the request (too many, too old). */
  cancelled: (() => void) | null;
  /** Sends the SYN-ACK. Null: the guest has given up, or there are too many connections, in which case it gets RST. */
  accept(handler: TcpHandler): TcpFlow | null;
  /** Sends RST: connection refused. */
  refuse(): void;
  /** Sends an ICMP destination unreachable about the SYN, and drops it. */
  unreachable(what: Unreachable): void;
  /** Answers the SYN with time exceeded, because its hop limit has run out here. */
  timeExceeded(): void;
  /** Answers the SYN with the ICMP error of a router or of the destination (`from` null: the program), and drops it. */
  relay(type: number, code: number, from: IpAddress | null): void;
  /** Drops the request without an answer. */
  drop(): void;
}
