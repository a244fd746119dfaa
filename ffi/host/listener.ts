/**
 * A listening TCP socket as a {@linkcode HostListener}. It accepts waiting connections, a few at a time, and passes
 * each to its user.
 *
 * | accept4 fails with | reaction |
 * | --- | --- |
 * | EAGAIN | wait for the next connection |
 * | EMFILE, ENFILE, if another socket could be closed | try again |
 * | EMFILE, ENFILE, ENOBUFS, ENOMEM | pause: the connection stays in the kernel's queue, so the socket would be ready at once |
 * | any other errno | it concerns that connection alone, which is lost (accept(2), "Error handling"): accept the next |
 *
 * A connection that can't be passed on is closed.
 *
 * All connections of a listener on one address have that local address. A listener on the wildcard asks the kernel for
 * each connection's. The IPv6 wildcard accepts IPv4 connections as well, as with the runtime's own sockets and Go's,
 * unless one IP version is asked for.
 *
 * @module
 */
import type { Endpoint } from "../../stack/base/address.ts";
import type { HostListener, HostStream, ListenOptions } from "../../forward/host/host_network.ts";
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

/** Connections that the kernel queues; its own limit (net.core.somaxconn) may be lower. */
const BACKLOG = 4096;
/** Connections accepted before other sockets get their turn. */
const ACCEPTS_PER_TURN = 16;
/** The pause when there are no descriptors, in ms. */
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
    options: ListenOptions = {},
  ) {
    const { fd, port } = open(context, local, options);
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
        if (reason === EMFILE && any) break; // the kernel reports it even if no connection waits; the poller will tell
        if (this.context.hasSpared(reason)) continue;
        room = reason !== EMFILE && reason !== ENFILE && reason !== ENOBUFS && reason !== ENOMEM;
        if (!room) break;
      }
    } finally { // even if `accepted` throws, the next connection is accepted
      if (room) this.again();
      else this.rest = setTimeout(this.again, REST_MS);
    }
  };

  private readonly again = (): void => {
    if (!this.closed) this.socket.arm(EPOLLIN);
  };

  /** Passes a connection to the user. If that fails, closes it, and rethrows an error that is not a SocketError. */
  private take(fd: number): void {
    const { context } = this;
    const remote = readEndpoint(this.name, 0);
    let socket: WatchedSocket;
    try {
      socket = new WatchedSocket(fd, context.poller, STREAM_EVENTS);
    } catch {
      return; // there is no memory to watch it: it is closed
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

/** Opens a listening socket. Returns the descriptor and its port. Throws a SocketError. */
function open(
  context: SocketContext,
  local: Endpoint,
  { oneVersion = false }: ListenOptions,
): { fd: number; port: number } {
  const { address, port } = local;
  const fd = context.socket(address.version, SOCK_STREAM);
  try {
    context.setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    context.setStreamOptions(fd); // accepted sockets inherit them
    if (address.version === 6) context.setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, Number(oneVersion));
    context.bind(fd, address, port);
    throwIfFailed(libc().listen(fd, BACKLOG));
    return { fd, port: context.localEndpoint(fd).port };
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}
