/**
 * Connecting: a socket that doesn't wait, connect(2), and the poller says when it has an outcome.
 *
 * @module
 */
import type { Endpoint } from "../../stack/address.ts";
import type { DialOptions, HostStream } from "../../forward/host.ts";
import { EINPROGRESS, EINTR } from "../errors.ts";
import { errno, libc } from "../libc.ts";
import { EPOLLERR, EPOLLHUP, EPOLLOUT } from "../poller.ts";
import { endpointText, sockaddrOf } from "../sockaddr.ts";
import {
  IP_BIND_ADDRESS_NO_PORT,
  IPPROTO_IP,
  IPPROTO_TCP,
  SO_ERROR,
  SOCK_NONBLOCK_CLOEXEC,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_NODELAY,
} from "../socket_constants.ts";
import { familyOf, type SocketContext, SocketError, throwIfFailed } from "./context.ts";
import { Socket } from "../socket.ts";
import { LibcStream } from "./stream.ts";

/** Connects. Rejects with the context's errors. */
export function dial(context: SocketContext, remote: Endpoint, options: DialOptions): Promise<HostStream> {
  const { signal, zone } = options;
  const what = `connect to ${endpointText(remote)}`;
  if (signal?.aborted) return Promise.reject(context.aborted(what));
  let socket: Socket;
  try {
    socket = connecting(context, remote, zone);
  } catch (error) {
    return Promise.reject(context.translate(error, what));
  }
  return new Promise((resolve, reject) => {
    const abort = () => {
      socket.close();
      reject(context.aborted(what));
    };
    socket.onEvents = (events) => {
      signal?.removeEventListener("abort", abort);
      try {
        resolve(connected(context, socket, remote, events));
      } catch (error) {
        socket.close();
        reject(context.translate(error, what));
      }
      context.poller.yield?.();
    };
    signal?.addEventListener("abort", abort);
  });
}

/** A socket on its way there. */
function connecting(context: SocketContext, remote: Endpoint, zone: string | undefined): Socket {
  const { version } = remote.address;
  const fd = throwIfFailed(libc().socket(familyOf(version), SOCK_STREAM | SOCK_NONBLOCK_CLOEXEC, 0));
  try {
    context.setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (zone !== undefined) context.bindToInterface(fd, zone);
    const source = context.source(version);
    if (source !== null) {
      // the port is chosen by connect(2), which knows the other end: many connections may share one
      context.setOption(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
      context.bind(fd, source, 0);
    }
    const name = sockaddrOf(remote.address, remote.port);
    if (libc().connect(fd, name, name.length) < 0) {
      const reason = errno();
      if (reason !== EINPROGRESS && reason !== EINTR) throw new SocketError(reason);
    }
  } catch (error) {
    libc().close(fd);
    throw error;
  }
  return new Socket(fd, context.poller, EPOLLOUT); // reported at once where it is connected already
}

function connected(context: SocketContext, socket: Socket, remote: Endpoint, events: number): HostStream {
  if ((events & (EPOLLERR | EPOLLHUP)) !== 0) {
    const reason = context.option(socket.fd, SOL_SOCKET, SO_ERROR);
    if (reason !== 0) throw new SocketError(reason);
  }
  return new LibcStream(socket, context, context.localEndpoint(socket.fd), remote);
}
