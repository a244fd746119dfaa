/**
 * A UDP socket as a {@linkcode HostDatagram}.
 *
 * A datagram is sent at once and without a copy, or together with others of its size (send_train.ts). A datagram that
 * the kernel has no room for is dropped, as UDP allows. When the poller reports datagrams, all waiting ones are
 * received (receive_batch.ts).
 *
 * A "crowded" socket on the wildcard address reports the address that each datagram was sent to, and can answer from it
 * (packet_info.ts).
 *
 * ICMP errors about a datagram (port or host unreachable) come to the socket's error queue, with the datagram's
 * destination. Until the queue is read, the kernel fails the next send or receive with that error, although the two are
 * unrelated. So a failed send is repeated after the queue is read; the error is the send's own only if the queue was
 * empty.
 *
 * Failures are reported in a microtask, never from within `send`.
 *
 * @module
 */
import { type Endpoint, formatEndpoint, IpAddress } from "../../stack/base/address.ts";
import type {
  DatagramOptions,
  HostDatagram,
  HostDatagramHandler,
  LostDatagram,
} from "../../forward/host/host_network.ts";
import { keepErrors, QUOTED_SIZE } from "../libc/error_queue.ts";
import { EAGAIN, ECONNREFUSED, EINTR, EINVAL, EIO, EMSGSIZE, ENOBUFS, EOPNOTSUPP } from "../libc/errors.ts";
import { errno, libc } from "../libc/libc.ts";
import { familyOf, readEndpoint, sockaddrIs, sockaddrPort } from "../libc/sockaddr.ts";
import type { SocketContext } from "./context.ts";
import { putPacketInfo } from "./packet_info.ts";
import { BATCH, type ReceiveBatch } from "./receive_batch.ts";
import type { SendTrain, TrainOwner } from "./send_train.ts";
import { WatchedSocket } from "../poll/watched_socket.ts";
import { EPOLLERR, EPOLLIN } from "../libc/constants/poll.ts";
import {
  AF_INET6,
  IP_MTU_DISCOVER,
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MTU_DISCOVER,
  IPV6_RECVPKTINFO,
  IPV6_V6ONLY,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  PMTUDISC_DO,
  PMTUDISC_WANT,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SOCK_DGRAM,
  SOL_SOCKET,
} from "../libc/constants/socket.ts";

/** Full batches before other sockets get their turn. */
const BATCHES_PER_TURN = 4;
/**
 * The receive buffer of a socket with many senders, in bytes. With the usual 208 KiB, which hold some 160 small
 * datagrams, fifty clients that sent ten each at once lost two thirds of them.
 */
const CROWDED_BUFFER = new Int32Array(new ArrayBuffer(4)).fill(4 << 20);
/** The value of an option that is turned on. */
const ON = new Int32Array(new ArrayBuffer(4)).fill(1);
/** Entries of the error queue that are read at once. */
const MAX_ERRORS = 64;
/** Failed receives in a row after which the socket is no longer watched, because the poller would spin. */
const MAX_FAILURES = 16;
/** Attempts to send a datagram, when the kernel fails it with errors about others. */
const MAX_ATTEMPTS = 4;

/** A UDP socket of the C library. */
export class LibcDatagram implements HostDatagram, TrainOwner {
  readonly local: Endpoint;
  /** Datagrams that were not sent because the kernel had no room. */
  dropped = 0;
  private readonly socket: WatchedSocket;
  private readonly batch: ReceiveBatch;
  private readonly train: SendTrain | null;
  private closed = false;
  /** Whether datagrams must be sent one by one. */
  private apart = false;
  /** The path MTU in the last entry about a datagram that the kernel found too large. */
  private localMtu = 0;
  /** Failures to receive since the last datagram. */
  private failures = 0;
  /** The sender of the last datagram. Most datagrams have the same sender as the one before. */
  private lastFrom: Endpoint | null = null;
  /** The destination of the last datagram. */
  private lastDestination: IpAddress | null = null;

  /** Binds to `local`, or to the context's source address if `local` is the wildcard. Throws a SocketError. */
  constructor(
    private readonly context: SocketContext,
    local: Endpoint,
    private readonly handler: HostDatagramHandler,
    options: DatagramOptions = {},
  ) {
    const { fd, end } = open(context, local, options);
    this.socket = new WatchedSocket(fd, context.poller);
    this.batch = context.batch;
    this.train = context.train;
    this.local = end;
    this.socket.onEvents = this.ready;
    this.socket.arm(EPOLLIN);
  }

  send(bytes: Uint8Array, offset: number, length: number, to: Endpoint, from: IpAddress | null = null): void {
    if (this.closed) return;
    const { train } = this;
    if (this.apart || train === null || !train.add(this, bytes, offset, length, to, from)) {
      this.sendOne(bytes, offset, length, to, from);
    }
  }

  setPath(hopLimit: number, dontFragment: boolean): void {
    if (this.closed) return;
    const { context, socket } = this;
    this.train?.flushOf(this); // earlier datagrams keep the old settings
    const four = this.local.address.version === 4;
    const level = four ? IPPROTO_IP : IPPROTO_IPV6;
    context.setHopLimit(socket.fd, this.local.address.version, hopLimit);
    const discover = dontFragment ? PMTUDISC_DO : PMTUDISC_WANT;
    context.setOption(socket.fd, level, four ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, discover);
  }

  sendTrain(train: SendTrain): void {
    const { to, from, block, length, size } = train;
    if (this.closed || to === null) return;
    if (train.count > 1) {
      const sent = train.send(this.socket.fd);
      if (sent >= 0) return;
      if (sent === -EAGAIN || sent === -ENOBUFS) {
        this.dropped += train.count;
        return;
      }
      // the kernel, device or path can't send a train; or it is an error about earlier datagrams
      if (sent === -EINVAL || sent === -EIO || sent === -EMSGSIZE || sent === -EOPNOTSUPP) this.apart = true;
    }
    for (let at = 0; at < length && !this.closed; at += size) {
      this.sendOne(block.bytes, at, Math.min(size, length - at), to, from);
    }
  }

  close(): void {
    if (this.closed) return;
    this.train?.flushOf(this);
    this.closed = true;
    this.socket.close();
  }

  private sendOne(bytes: Uint8Array, offset: number, length: number, to: Endpoint, from: IpAddress | null): void {
    const { context, socket } = this;
    const message = context.datagramMessage;
    message.controlLength = from === null ? 0 : putPacketInfo(message.control, from);
    message.setPart(0, context.addresses.of(bytes) + offset, length);
    for (let attempts = 0;; attempts++) {
      context.address(to);
      if (libc().sendmsg(socket.fd, message.pointer, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return;
      const reason = errno();
      if (reason === EINTR) continue;
      if (reason === EAGAIN || reason === ENOBUFS) {
        this.dropped++;
        return;
      }
      this.localMtu = 0;
      const entries = this.readErrors();
      // the socket is not connected, so ECONNREFUSED is always about an earlier datagram
      const own = entries === 0 ? reason !== ECONNREFUSED : reason === EMSGSIZE && this.localMtu > 0;
      if (own || attempts === MAX_ATTEMPTS) {
        const data = bytes.slice(offset, offset + Math.min(length, QUOTED_SIZE));
        const lost = { icmp: null, mtu: reason === EMSGSIZE ? this.localMtu : 0, data, length };
        return this.fail(reason, `send to udp ${formatEndpoint(to)}`, to, own ? lost : null);
      }
    }
  }

  private readonly ready = (events: number): void => {
    if ((events & EPOLLERR) !== 0) this.readErrors();
    for (let i = 0; i < BATCHES_PER_TURN && this.receive(); i++);
    if (this.failures < MAX_FAILURES) this.socket.arm(EPOLLIN);
  };

  /** Receives a batch. Returns whether there may be more. */
  private receive(): boolean {
    const { batch, handler } = this;
    if (this.closed) return false;
    const count = batch.receive(this.socket.fd);
    if (count < 0) {
      if (count === -EAGAIN) return false;
      if (this.readErrors() > 0) return true;
      this.failures++;
      this.fail(-count, `receive on udp ${formatEndpoint(this.local)}`, null, null);
      return false;
    }
    this.failures = 0;
    for (let i = 0; i < count && !this.closed; i++) {
      handler.received(batch.buffers[i], batch.length(i), this.from(batch.nameAt(i)), this.destination(i));
    }
    return count === BATCH;
  }

  /** The sender at that offset of the batch's names. */
  private from(at: number): Endpoint {
    const { names } = this.batch;
    const last = this.lastFrom;
    if (last !== null && last.port === sockaddrPort(names, at) && sockaddrIs(names, at, last.address)) return last;
    return this.lastFrom = readEndpoint(names, at);
  }

  /** The address of this host that the batch's datagram with that index was sent to; null: unknown. */
  private destination(index: number): IpAddress | null {
    const { batch, packetInfo } = this.context;
    const length = batch.controlLength(index);
    if (length === 0 || !packetInfo.find(batch.names, batch.controlAt(index), length)) return null;
    const { at, version } = packetInfo, last = this.lastDestination;
    if (last !== null && last.version === version && last.isAt(batch.names, at)) return last;
    return this.lastDestination = IpAddress.at(batch.names, at, version);
  }

  /**
   * Reports the network's errors, and returns the number of entries taken. The host's own errors `send` has returned.
   */
  private readErrors(): number {
    const { errors } = this.context;
    let count = 0;
    while (count < MAX_ERRORS && errors.take(this.socket.fd)) {
      count++;
      if (errors.isLocal && errors.mtu > 0) this.localMtu = errors.mtu;
      if (errors.errno === 0 || errors.isLocal) continue;
      const { destination } = errors;
      const to = destination === null ? "" : ` to ${formatEndpoint(destination)}`;
      this.fail(errors.errno, `udp${to}`, destination, this.lost());
    }
    return count;
  }

  /** The lost datagram of the error queue's present entry; null: the entry did not come by ICMP. */
  private lost(): LostDatagram | null {
    const { icmp, mtu, payload, payloadLength: length } = this.context.errors;
    if (icmp === null) return null;
    return { icmp, mtu, data: payload.slice(0, length), length };
  }

  private fail(errno: number, what: string, to: Endpoint | null, lost: LostDatagram | null): void {
    const error = this.context.error(errno, what);
    queueMicrotask(() => {
      if (!this.closed) this.handler.failed(error, to, lost);
    });
    this.context.poller.yield?.();
  }
}

/** Opens and binds a socket. Returns the descriptor and its own endpoint. Throws a SocketError. */
function open(context: SocketContext, local: Endpoint, options: DatagramOptions): { fd: number; end: Endpoint } {
  const { address, port } = local;
  const family = familyOf(address.version);
  const wildcard = address.bytes.every((byte) => byte === 0);
  const fd = context.socket(address.version, SOCK_DGRAM);
  try {
    keepErrors(fd, family);
    if (options.crowded) enlarge(fd);
    if (options.zone !== undefined) context.bindToInterface(fd, options.zone);
    if (address.version === 6) context.setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, Number(options.oneVersion ?? false));
    if (wildcard && options.crowded) reportDestinations(fd, family);
    context.bind(fd, wildcard ? context.source(address.version) ?? address : address, port);
    return { fd, end: context.localEndpoint(fd) };
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}

/** Makes the kernel report the destination of datagrams. An IPv6 socket may receive IPv4 as well. */
function reportDestinations(fd: number, family: number): void {
  libc().setsockopt(fd, IPPROTO_IP, IP_PKTINFO, ON, 4);
  if (family === AF_INET6) libc().setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, ON, 4);
}

/** Enlarges the receive buffer. Without CAP_NET_ADMIN it can't exceed net.core.rmem_max. */
function enlarge(fd: number): void {
  if (libc().setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, CROWDED_BUFFER, 4) === 0) return;
  libc().setsockopt(fd, SOL_SOCKET, SO_RCVBUF, CROWDED_BUFFER, 4);
}
