/**
 * The host's network through libc's sockets, an implementation of {@linkcode HostNetwork}. It has features that the
 * runtime's own sockets lack (a source address, resets, ICMP errors about datagrams), and makes fewer system calls.
 *
 *     dial      socket, connect → the poller → LibcStream      dial.ts, stream.ts
 *     listen    accept4 → LibcStream                           listener.ts
 *     datagram  sendmsg, recvmmsg, the error queue             datagram.ts
 *
 * Every socket is non-blocking and close-on-exec, has one handle of the poller, and is closed once
 * (../poll/watched_socket.ts).
 *
 * @example
 * ```ts
 * const host = new LibcHost({ poller });
 * host.dial({ address: IpAddress.parse("127.0.0.1"), port: 80 }, {
 *   connected: (stream) => stream.close(),
 *   failed: (error) => console.error(error),
 * });
 * ```
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../stack/base/address.ts";
import type {
  DatagramOptions,
  DialOptions,
  HostDatagram,
  HostDatagramHandler,
  HostDial,
  HostDialHandler,
  HostListener,
  HostNetwork,
  HostStream,
  ListenOptions,
} from "../../forward/host/host_network.ts";
import { type LibcHostOptions, SocketContext } from "./context.ts";
import { LibcDatagram } from "./datagram.ts";
import { dial } from "./dial.ts";
import { LibcListener } from "./listener.ts";

export type { LibcHostOptions } from "./context.ts";

/** The host's network through sockets of the C library. */
export class LibcHost implements HostNetwork {
  private readonly context: SocketContext;

  constructor(options: LibcHostOptions) {
    this.context = new SocketContext(options);
  }

  dial(remote: Endpoint, handler: HostDialHandler, options: DialOptions = {}): HostDial {
    return dial(this.context, remote, handler, options);
  }

  listen(local: Endpoint, accepted: (stream: HostStream) => void, options: ListenOptions = {}): HostListener {
    const open = () => new LibcListener(this.context, local, accepted, options);
    return this.translate(`listen on ${formatEndpoint(local)}`, open);
  }

  datagram(local: Endpoint, handler: HostDatagramHandler, options: DatagramOptions = {}): HostDatagram {
    const open = () => new LibcDatagram(this.context, local, handler, options);
    return this.translate(`bind udp ${formatEndpoint(local)}`, open);
  }

  private translate<T>(what: string, open: () => T): T {
    try {
      return open();
    } catch (error) {
      throw this.context.translate(error, what);
    }
  }
}
