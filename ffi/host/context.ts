/**
 * The context that all sockets of a {@linkcode LibcHost} share: the options, and the structures for calls of the
 * kernel. Each structure is used for one call at a time, by one socket after the other.
 *
 * @module
 */
import type { Endpoint, IpAddress, IpVersion } from "../../stack/base/address.ts";
import { hostError } from "../../forward/host/errors.ts";
import type { HostError } from "../../forward/host/host_network.ts";
import { ByteAddresses } from "../libc/byte_address.ts";
import { ErrorQueue } from "../libc/error_queue.ts";
import { EMFILE, ENFILE, errnoName, errnoText, SystemError } from "../libc/errors.ts";
import { cString, errno, libc } from "../libc/libc.ts";
import { Message } from "../libc/message.ts";
import type { Polling } from "../poll/poller.ts";
import { familyOf, putSockaddr, readEndpoint, SOCKADDR_IN6_SIZE, sockaddrOf } from "../libc/sockaddr.ts";
import { PACKET_INFO_SPACE, PacketInfo } from "./packet_info.ts";
import { ReceiveBatch } from "./receive_batch.ts";
import { SendTrain } from "./send_train.ts";
import {
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_UNICAST_HOPS,
  SO_BINDTODEVICE,
  SO_BINDTOIFINDEX,
  SO_KEEPALIVE,
  SO_OOBINLINE,
  SOCK_NONBLOCK_CLOEXEC,
  SOL_SOCKET,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
} from "../libc/constants/socket.ts";

/**
 * Idle time before keepalive probes and between them, in s. The guest's own probes end at the stack, so these take over
 * their purpose: they keep the connection known to address translators on the way, many of which forget an idle one
 * after four or five minutes.
 */
const KEEPALIVE_IDLE = 60, KEEPALIVE_INTERVAL = 60;

/**
 * Unanswered probes after which the connection fails: half an hour. The guest has not asked for these probes, so a host
 * that is offline for some minutes must not lose connections because of them.
 */
const KEEPALIVE_PROBES = 30;

/** Options of a {@linkcode LibcHost}. */
export interface LibcHostOptions {
  readonly poller: Polling;
  /** The source address of outgoing connections and datagrams, by IP version; by default the system chooses. */
  readonly source4?: IpAddress | null;
  readonly source6?: IpAddress | null;
  /** Calls a function after the present events are handled. If not given, each datagram is sent at once. */
  readonly defer?: (run: () => void) => void;
  /**
   * Called when there is no descriptor for a socket. Closes a socket that can be spared; returns false if there is
   * none.
   */
  readonly spare?: () => boolean;
}

/** A failed system call on a socket. `code` is the name of the errno, as in the runtime's own errors. */
export class SocketError extends Error {
  override name = "SocketError";
  readonly code: string;

  constructor(readonly errno: number) {
    super(errnoText(errno));
    this.code = errnoName(errno);
  }
}

/** The poller, the options and the reused kernel structures that all sockets of a host share. */
export class SocketContext {
  readonly poller: Polling;
  /** The message for streams: one part, no address. */
  readonly streamMessage = new Message();
  /** The message for outgoing datagrams: one part, the destination, and perhaps the source address. */
  readonly datagramMessage = new Message({ name: true, control: PACKET_INFO_SPACE });
  /** The parser of the control messages of received datagrams. */
  readonly packetInfo = new PacketInfo();
  readonly errors = new ErrorQueue();
  readonly addresses = new ByteAddresses();
  private lastTo: Endpoint | null = null;
  private receiveBatch: ReceiveBatch | null = null;
  private sendTrain: SendTrain | null = null;
  private readonly name = new Uint8Array(new ArrayBuffer(SOCKADDR_IN6_SIZE));
  private readonly number = new Int32Array(new ArrayBuffer(4));
  private readonly length = new Int32Array(new ArrayBuffer(4));

  constructor(private readonly options: LibcHostOptions) {
    this.poller = options.poller;
  }

  /** Receives datagrams. Its buffers take 1 MiB, so it is made for the first datagram socket. */
  get batch(): ReceiveBatch {
    return this.receiveBatch ??= new ReceiveBatch();
  }

  /** Collects outgoing datagrams that may be sent together; null: each is sent at once. Made as late as {@linkcode batch}. */
  get train(): SendTrain | null {
    const { defer } = this.options;
    return defer === undefined ? null : this.sendTrain ??= new SendTrain(defer);
  }

  /** The error for the port's user, from an errno. */
  error(errno: number, what: string): HostError {
    return this.translated(socketError(errno), what);
  }

  /** The same from a thrown error. An error that can only be a fault of this program is returned unchanged. */
  translate(thrown: unknown, what: string): unknown {
    if (thrown instanceof SocketError) return this.translated(thrown, what);
    return thrown instanceof SystemError ? this.error(thrown.errno, what) : thrown;
  }

  private translated(cause: SocketError, what: string): HostError {
    return expected(() => hostError(cause, what));
  }

  /** The source address for packets of that version; null: the system chooses. */
  source(version: IpVersion): IpAddress | null {
    return (version === 4 ? this.options.source4 : this.options.source6) ?? null;
  }

  /** Sets the destination of {@linkcode datagramMessage}. Most datagrams go where the last one went. */
  address(to: Endpoint): void {
    if (to === this.lastTo) return;
    this.datagramMessage.nameLength = putSockaddr(this.datagramMessage.name, to.address, to.port);
    this.lastTo = to;
  }

  /** Makes a socket of that kind. Throws a {@linkcode SocketError}. */
  socket(version: IpVersion, kind: number): number {
    for (;;) { // each turn closes a socket
      const fd = libc().socket(familyOf(version), kind | SOCK_NONBLOCK_CLOEXEC, 0);
      if (fd >= 0) return fd;
      const reason = errno();
      if (!this.hasSpared(reason)) throw socketError(reason);
    }
  }

  /**
   * Whether a call that failed with that errno can be repeated, because another socket was closed to free a descriptor.
   */
  hasSpared(reason: number): boolean {
    return (reason === EMFILE || reason === ENFILE) && this.options.spare?.() === true;
  }

  /** The socket's own address and port. Throws a {@linkcode SocketError}. */
  localEndpoint(fd: number): Endpoint {
    const { name, length } = this;
    length[0] = name.length;
    throwIfFailed(libc().getsockname(fd, name, length));
    return readEndpoint(name, 0);
  }

  /** Calls connect(2). Returns a negative number, and sets errno, on failure. */
  connect(fd: number, to: Endpoint): number {
    const { name } = this;
    return libc().connect(fd, name, putSockaddr(name, to.address, to.port));
  }

  /** Binds the socket. Throws a {@linkcode SocketError}. */
  bind(fd: number, address: IpAddress, port: number): void {
    const name = sockaddrOf(address, port);
    throwIfFailed(libc().bind(fd, name, name.length));
  }

  /**
   * Binds the socket to an interface, given by name or number, as link-local addresses need it. Throws a
   * {@linkcode SocketError}.
   */
  bindToInterface(fd: number, zone: string): void {
    if (/^\d+$/.test(zone)) return this.setOption(fd, SOL_SOCKET, SO_BINDTOIFINDEX, Number(zone));
    const name = cString(zone);
    throwIfFailed(libc().setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length));
  }

  /**
   * Sets the options of a TCP socket, which a listener's accepted sockets inherit: data is sent without waiting for
   * more, urgent data stays in the stream (RFC 6093, section 6), and keepalive detects a peer that has vanished. Throws
   * a {@linkcode SocketError}.
   */
  setStreamOptions(fd: number): void {
    this.setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    this.setOption(fd, SOL_SOCKET, SO_OOBINLINE, 1);
    this.setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    this.setOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE);
    this.setOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL);
    this.setOption(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
  }

  /** Sets a socket's time to live or hop limit; 0: the system's default. Throws a {@linkcode SocketError}. */
  setHopLimit(fd: number, version: IpVersion, hopLimit: number): void {
    const four = version === 4;
    const value = hopLimit === 0 ? -1 : hopLimit;
    this.setOption(fd, four ? IPPROTO_IP : IPPROTO_IPV6, four ? IP_TTL : IPV6_UNICAST_HOPS, value);
  }

  /** Sets a numeric option. Throws a {@linkcode SocketError}. */
  setOption(fd: number, level: number, option: number, value: number): void {
    this.number[0] = value;
    throwIfFailed(libc().setsockopt(fd, level, option, this.number, 4));
  }

  /** The value of a numeric option. Throws a {@linkcode SocketError}. */
  option(fd: number, level: number, option: number): number {
    this.length[0] = 4;
    throwIfFailed(libc().getsockopt(fd, level, option, this.number, this.length));
    return this.number[0];
  }
}

/**
 * Makes an error without a stack trace. The network can cause thousands of errors a second, and the trace would cost
 * more than everything else about them, and keep the objects that it refers to alive.
 */
function expected<E extends Error>(make: () => E): E {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** The error for an errno, without a stack trace. */
export function socketError(errno: number): SocketError {
  return expected(() => new SocketError(errno));
}

/** Returns `result`. If it is negative, throws errno as a {@linkcode SocketError}. */
export function throwIfFailed(result: number): number {
  if (result < 0) throw socketError(errno());
  return result;
}
