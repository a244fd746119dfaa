/**
 * What all sockets of a {@linkcode LibcHost} share: what they were handed, and the structures that they call the kernel
 * with. These are used for one call at a time and by one socket after the other.
 *
 * @module
 */
import type { Endpoint, IpAddress, IpVersion } from "../../stack/base/address.ts";
import { hostError } from "../../forward/host/errors.ts";
import type { HostError, IcmpReport } from "../../forward/host/host_network.ts";
import { ByteAddresses } from "../libc/byte_address.ts";
import { ErrorQueue } from "../libc/error_queue.ts";
import { EMFILE, ENFILE, errnoName, errnoText, SystemError } from "../libc/errors.ts";
import { cString, errno, libc } from "../libc/libc.ts";
import { Message } from "../libc/message.ts";
import type { Polling } from "../poll/poller.ts";
import { putSockaddr, readEndpoint, SOCKADDR_IN6_SIZE, sockaddrOf } from "../libc/sockaddr.ts";
import { PACKET_INFO_SPACE, PacketInfo } from "./packet_info.ts";
import { ReceiveBatch } from "./receive_batch.ts";
import { SendTrain } from "./send_train.ts";
import {
  AF_INET,
  AF_INET6,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_UNICAST_HOPS,
  SO_BINDTODEVICE,
  SO_BINDTOIFINDEX,
  SO_EE_ORIGIN_ICMP,
  SO_EE_ORIGIN_ICMP6,
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
 * Idle time before keepalive probes and between them, in s. The guest's own probes end at the stack, so these do what they
 * are for as well: the address translators on the way, many of which forget a connection after four or five minutes, are
 * reminded of it.
 */
const KEEPALIVE_IDLE = 60, KEEPALIVE_INTERVAL = 60;

/**
 * Probes without an answer after which the peer is gone: half an hour of them. Nobody asked for these probes, so a host
 * that is offline for some minutes must not lose connections by them.
 */
const KEEPALIVE_PROBES = 30;

/** Options of a {@linkcode LibcHost}. */
export interface LibcHostOptions {
  readonly poller: Polling;
  /** Where outgoing connections and datagrams come from, by IP version; null or not given: as the system chooses. */
  readonly source4?: IpAddress | null;
  readonly source6?: IpAddress | null;
  /** Calls a function when the events that there are now have been handled; not given: each datagram is sent at once. */
  readonly defer?: (run: () => void) => void;
  /** Called when there is no descriptor for a socket: has another one closed that can be missed; false: there is none. */
  readonly spare?: () => boolean;
}

/** What the kernel said, with the name of the errno in `code` as the runtime's own errors have it. */
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
  /** For streams: one part, no address. */
  readonly streamMessage = new Message();
  /** For datagrams on their way out: one part and where they go. */
  readonly datagramMessage = new Message({ name: true, control: PACKET_INFO_SPACE });
  readonly batch = new ReceiveBatch();
  /** For what came with those of the batch. */
  readonly packetInfo = new PacketInfo();
  /** For datagrams on their way out that may leave together; null: none may. */
  readonly train: SendTrain | null;
  readonly errors = new ErrorQueue();
  readonly addresses = new ByteAddresses();
  private lastTo: Endpoint | null = null;
  private readonly name = new Uint8Array(new ArrayBuffer(SOCKADDR_IN6_SIZE));
  private readonly number = new Int32Array(new ArrayBuffer(4));
  private readonly length = new Int32Array(new ArrayBuffer(4));

  constructor(private readonly options: LibcHostOptions) {
    this.poller = options.poller;
    this.train = options.defer === undefined ? null : new SendTrain(options.defer);
  }

  /** The error that users see for an errno. */
  error(errno: number, what: string): HostError {
    return this.translated(socketError(errno), what);
  }

  /** The same for what a call of ours threw; what can only be a fault of this program is given back as it is. */
  translate(thrown: unknown, what: string): unknown {
    if (thrown instanceof SocketError) return this.translated(thrown, what);
    return thrown instanceof SystemError ? this.error(thrown.errno, what) : thrown;
  }

  private translated(cause: SocketError, what: string): HostError {
    return expected(() => hostError(cause, what));
  }

  /** Where packets of that version are to come from; null: as the system chooses. */
  source(version: IpVersion): IpAddress | null {
    return (version === 4 ? this.options.source4 : this.options.source6) ?? null;
  }

  /** Makes {@linkcode datagramMessage} go there; most go where the last went. */
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

  /** Whether a call that failed for that reason may have a descriptor now, because another socket was closed for it. */
  hasSpared(reason: number): boolean {
    return (reason === EMFILE || reason === ENFILE) && this.options.spare?.() === true;
  }

  /** The socket's own end. Throws the kernel's errno as a {@linkcode SocketError}. */
  localEndpoint(fd: number): Endpoint {
    const { name, length } = this;
    length[0] = name.length;
    throwIfFailed(libc().getsockname(fd, name, length));
    return readEndpoint(name, 0);
  }

  /** Calls connect(2); negative: see errno. */
  connect(fd: number, to: Endpoint): number {
    const { name } = this;
    return libc().connect(fd, name, putSockaddr(name, to.address, to.port));
  }

  /** Binds it. Throws a {@linkcode SocketError}. */
  bind(fd: number, address: IpAddress, port: number): void {
    const name = sockaddrOf(address, port);
    throwIfFailed(libc().bind(fd, name, name.length));
  }

  /**
   * Has it use that interface alone, given by name or number, which link-local addresses need. Throws a
   * {@linkcode SocketError}.
   */
  bindToInterface(fd: number, zone: string): void {
    if (/^\d+$/.test(zone)) return this.setOption(fd, SOL_SOCKET, SO_BINDTOIFINDEX, Number(zone));
    const name = cString(zone);
    throwIfFailed(libc().setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length));
  }

  /**
   * What every TCP socket has, and those that a listener accepts have from it: nothing waits for more to be sent, urgent
   * data stay in the stream (RFC 6093, section 6), and a peer that is gone without a word is found out. Throws a
   * {@linkcode SocketError}.
   */
  setStreamOptions(fd: number): void {
    this.setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    this.setOption(fd, SOL_SOCKET, SO_OOBINLINE, 1);
    this.setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    this.setOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE);
    this.setOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL);
    this.setOption(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
  }

  /** Sets the time to live or hop limit of what a socket sends; 0: the system's default. Throws a {@linkcode SocketError}. */
  setHopLimit(fd: number, version: IpVersion, hopLimit: number): void {
    const four = version === 4;
    const value = hopLimit === 0 ? -1 : hopLimit;
    this.setOption(fd, four ? IPPROTO_IP : IPPROTO_IPV6, four ? IP_TTL : IPV6_UNICAST_HOPS, value);
  }

  /** Takes the oldest ICMP error off a socket's error queue; null: there is none. */
  icmpReport(fd: number): IcmpReport | null {
    return this.errors.take(fd) ? this.reported : null;
  }

  /** The ICMP error of the error queue's entry that was taken last; null: it came by none. */
  get reported(): IcmpReport | null {
    const { origin, type, code, offender: from } = this.errors;
    return origin === SO_EE_ORIGIN_ICMP || origin === SO_EE_ORIGIN_ICMP6 ? { type, code, from } : null;
  }

  /** Sets an option that is a number. Throws a {@linkcode SocketError}. */
  setOption(fd: number, level: number, option: number, value: number): void {
    this.number[0] = value;
    throwIfFailed(libc().setsockopt(fd, level, option, this.number, 4));
  }

  /** An option that is a number. Throws a {@linkcode SocketError}. */
  option(fd: number, level: number, option: number): number {
    this.length[0] = 4;
    throwIfFailed(libc().getsockopt(fd, level, option, this.number, this.length));
    return this.number[0]!;
  }
}

/**
 * An error that the network may cause at any time, thousands a second: without the stack of calls, which costs more than
 * all else about it, and keeps what it names alive.
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

/** What the kernel said, as an error that is to be expected. */
export function socketError(errno: number): SocketError {
  return expected(() => new SocketError(errno));
}

/** The address family of an IP version. */
export function familyOf(version: IpVersion): number {
  return version === 4 ? AF_INET : AF_INET6;
}

/** Returns `result` unless it is negative; then throws errno as a {@linkcode SocketError}. */
export function throwIfFailed(result: number): number {
  if (result < 0) throw socketError(errno());
  return result;
}
