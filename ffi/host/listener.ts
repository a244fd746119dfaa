/**
 * A listening TCP socket as a {@linkcode HostListener}: accepts what waits, some at a time, and hands each over.
 *
 * | accept4 says | what is done |
 * | --- | --- |
 * | EAGAIN | waits for the next |
 * | EMFILE, ENFILE, and another socket was closed for it | tries again |
 * | EMFILE, ENFILE, ENOBUFS, ENOMEM | rests a while: the connection stays in the kernel's queue, and so it would be ready at once |
 * | anything else | it is about that connection alone, which is gone (accept(2), "Error handling"): the next |
 *
 * A connection that can't be handed over is closed, and the poller forgets it.
 *
 * A listener on an address has connections on that address alone; one on the wildcard asks each for its own end. The
 * wildcard of IPv6 takes IPv4 connections as well, as the runtime's own sockets and Go's do.
 *
 * @module
 */
import type { Endpoint } from "../../stack/base/address.ts";
import type { HostListener, HostStream } from "../../forward/host/host_network.ts";
import { EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM } from "../libc/errors.ts";
import { errno, libc } from "../libc/libc.ts";
import { readEndpoint, SOCKADDR_IN6_SIZE } from "../libc/sockaddr.ts";
import { type SocketContext, SocketError, throwIfFailed } from "./context.ts";
import { WatchedSocket } from "../poll/watched_socket.ts";
import { LibcStream, STREAM_EVENTS } from "./stream.ts";
import { EPOLLIN } from "../libc/constants/poll.ts";
import {
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SOCK_NONBLOCK_CLOEXEC,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../libc/constants/socket.ts";

/** Connections that the kernel keeps for us; its own limit (net.core.somaxconn) may be less. */
const BACKLOG = 4096;
/** Connections accepted before others get their turn. */
const ACCEPTS_PER_TURN = 16;
/** How long it rests when there are no descriptors. */
const REST_MS = 100;

/** A listening TCP socket of the C library. */
export class LibcListener implements HostListener {
  readonly local: Endpoint;
  private readonly socket: WatchedSocket;
  private readonly wildcard: boolean;
  private readonly name = new Uint8Array(new ArrayBuffer(SOCKADDR_IN6_SIZE));
  private readonly length = new Int32Array(new ArrayBuffer(4));
  private rest: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  /** Listens. Throws a SocketError. */
  constructor(
    private readonly context: SocketContext,
    local: Endpoint,
    private readonly accepted: (stream: HostStream) => void,
  ) {
    const { fd, port } = open(context, local);
    this.socket = new WatchedSocket(fd, context.poller);
    this.local = { address: local.address, port };
    this.wildcard = local.address.bytes.every((byte) => byte === 0);
    this.socket.onEvents = this.accept;
    this.socket.arm(EPOLLIN);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.rest);
    this.socket.close();
  }

  private readonly accept = (): void => {
    let room = true, any = false;
    try {
      for (let i = 0; i < ACCEPTS_PER_TURN && !this.closed; i++) {
        this.length[0] = this.name.length;
        const fd = libc().accept4(this.socket.fd, this.name, this.length, SOCK_NONBLOCK_CLOEXEC);
        if (fd >= 0) {
          any = true;
          this.take(fd);
          continue;
        }
        const reason = errno();
        if (reason === EAGAIN) break;
        if (reason === EMFILE && any) break; // the kernel says so before it looks whether another waits: the poller knows
        if (this.context.hasSpared(reason)) continue;
        room = reason !== EMFILE && reason !== ENFILE && reason !== ENOBUFS && reason !== ENOMEM;
        if (!room) break;
      }
    } finally { // `accepted` may throw: the next connection is accepted all the same
      if (room) this.again();
      else this.rest = setTimeout(this.again, REST_MS);
    }
  };

  private readonly again = (): void => {
    if (!this.closed) this.socket.arm(EPOLLIN);
  };

  /** Hands a connection over. If that fails, the connection is closed; what is no fault of the system is thrown on. */
  private take(fd: number): void {
    const { context } = this;
    const remote = readEndpoint(this.name, 0);
    let socket: WatchedSocket;
    try {
      socket = new WatchedSocket(fd, context.poller, STREAM_EVENTS);
    } catch {
      return; // no memory to watch it: it is closed
    }
    try {
      const local = this.wildcard ? context.localEndpoint(fd) : this.local;
      this.accepted(new LibcStream(socket, context, local, remote));
    } catch (error) {
      socket.close();
      if (!(error instanceof SocketError)) throw error;
    }
  }
}

/** A socket that listens, and its port. Throws a SocketError. */
function open(context: SocketContext, local: Endpoint): { fd: number; port: number } {
  const { address, port } = local;
  const fd = context.socket(address.version, SOCK_STREAM);
  try {
    context.setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    context.setStreamOptions(fd); // what it accepts has them from here
    if (address.version === 6) context.setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    context.bind(fd, address, port);
    throwIfFailed(libc().listen(fd, BACKLOG));
    return { fd, port: context.localEndpoint(fd).port };
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}
