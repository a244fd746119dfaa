/**
 * Opens TCP connections: a non-blocking socket and connect(2); the poller reports the outcome.
 *
 * The handler gets the connection within the poller's callback, so that its first bytes need no further turn of the
 * event loop. A cancelled dial only closes its descriptor; no error is made for it.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../stack/base/address.ts";
import {
  type DialOptions,
  type HostDial,
  type HostDialHandler,
  HostError,
  type HostStream,
} from "../../forward/host/host_network.ts";
import { EINPROGRESS, EINTR } from "../libc/errors.ts";
import { errno, libc } from "../libc/libc.ts";
import { keepErrors } from "../libc/error_queue.ts";
import { familyOf } from "../libc/sockaddr.ts";
import { type SocketContext, socketError } from "./context.ts";
import { WatchedSocket } from "../poll/watched_socket.ts";
import { LibcStream, STREAM_EVENTS } from "./stream.ts";
import { EPOLLERR, EPOLLHUP, EPOLLOUT } from "../libc/constants/poll.ts";
import { IP_BIND_ADDRESS_NO_PORT, IPPROTO_IP, SO_ERROR, SOCK_STREAM, SOL_SOCKET } from "../libc/constants/socket.ts";

/** Connects, and reports the outcome to the handler. */
export function dial(
  context: SocketContext,
  remote: Endpoint,
  handler: HostDialHandler,
  options: DialOptions,
): HostDial {
  let socket: WatchedSocket;
  try {
    socket = connecting(context, remote, options);
  } catch (error) {
    return new FailedDial(context, handler, translate(context, error, remote));
  }
  return new SocketDial(context, socket, remote, handler, options.hopLimit ?? 0);
}

/** A dial whose socket is connecting. */
class SocketDial implements HostDial {
  private over = false;

  constructor(
    private readonly context: SocketContext,
    private readonly socket: WatchedSocket,
    private readonly remote: Endpoint,
    private readonly handler: HostDialHandler,
    private readonly hopLimit: number,
  ) {
    socket.onEvents = this.ready;
  }

  cancel(): void {
    if (this.over) return;
    this.over = true;
    this.socket.close();
  }

  private readonly ready = (events: number): void => {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) === 0) return;
    this.over = true;
    const { context, socket, remote, handler, hopLimit } = this;
    let stream: HostStream;
    try {
      stream = connected(context, socket, remote, events);
      if (hopLimit > 0) context.setHopLimit(socket.fd, remote.address.version, 0);
    } catch (thrown) {
      const error = translate(context, thrown, remote);
      if (hopLimit > 0 && error instanceof HostError && context.errors.take(socket.fd)) {
        error.icmp = context.errors.icmp;
      }
      socket.close();
      return handler.failed(error);
    }
    handler.connected(stream);
  };
}

/** A dial that failed at once. The handler is told in a microtask. */
class FailedDial implements HostDial {
  private over = false;

  constructor(context: SocketContext, handler: HostDialHandler, error: unknown) {
    queueMicrotask(() => {
      if (!this.over) handler.failed(error);
    });
    context.poller.yield?.();
  }

  cancel(): void {
    this.over = true;
  }
}

/** A socket that is connecting to `remote`. */
function connecting(context: SocketContext, remote: Endpoint, { zone, hopLimit = 0 }: DialOptions): WatchedSocket {
  const { version } = remote.address;
  const fd = context.socket(version, SOCK_STREAM);
  try {
    context.setStreamOptions(fd);
    if (zone !== undefined) context.bindToInterface(fd, zone);
    if (hopLimit > 0) {
      context.setHopLimit(fd, version, hopLimit);
      keepErrors(fd, familyOf(version)); // to learn which router reports that the hop limit is exceeded
    }
    const source = context.source(version);
    if (source !== null) {
      // connect(2), which knows the peer, chooses the port: several connections may share one
      context.setOption(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
      context.bind(fd, source, 0);
    }
    if (context.connect(fd, remote) < 0) {
      const reason = errno();
      if (reason !== EINPROGRESS && reason !== EINTR) throw socketError(reason);
    }
  } catch (error) {
    libc().close(fd);
    throw error;
  }
  return new WatchedSocket(fd, context.poller, STREAM_EVENTS); // reports at once if it is connected already
}

function connected(context: SocketContext, socket: WatchedSocket, remote: Endpoint, events: number): HostStream {
  if ((events & (EPOLLERR | EPOLLHUP)) !== 0) {
    const reason = context.option(socket.fd, SOL_SOCKET, SO_ERROR);
    if (reason !== 0) throw socketError(reason);
  }
  const stream = new LibcStream(socket, context, context.localEndpoint(socket.fd), remote);
  socket.onEvents(events); // there may be data to read as well, which the poller does not report again
  return stream;
}

function translate(context: SocketContext, error: unknown, remote: Endpoint): unknown {
  return context.translate(error, connectTo(remote));
}

function connectTo(remote: Endpoint): string {
  return `connect to ${formatEndpoint(remote)}`;
}
