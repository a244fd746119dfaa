/**
 * The host's network through Deno's own sockets.
 *
 * Deno's reads and writes return promises, so no operation completes at once. Each makes one promise, with one `then` on
 * functions that were bound when the socket was made.
 *
 * Deno has no call for the following:
 *
 * | missing | what happens instead |
 * | --- | --- |
 * | reset a connection (SO_LINGER) | it is closed: the peer sees the end of the stream |
 * | ICMP errors about datagrams (IP_RECVERR) | not reported: the sender waits for its own timeout |
 * | a source address for TCP | the kernel chooses it; the program refuses `-source-ipv4` and `-source-ipv6` |
 * | a socket for IPv6 alone (IPV6_V6ONLY) | the wildcard of IPv6 takes IPv4 as well |
 * | larger receive buffers (SO_RCVBUF) | the kernel's default size; a burst of datagrams may lose some |
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../stack/base/address.ts";
import {
  type DatagramOptions,
  type DialOptions,
  type HostDatagram,
  type HostDatagramHandler,
  type HostDial,
  type HostDialHandler,
  HostError,
  type HostListener,
  type HostNetwork,
  type HostStream,
} from "./host_network.ts";
import { endpointOf, zonedAddress } from "./deno_address.ts";
import { DenoDatagram } from "./deno_datagram.ts";
import { DenoStream } from "./deno_stream.ts";
import { hostError } from "./errors.ts";
import { ACCEPT_RETRY_MS } from "../limits/timeouts.ts";
import { SendCopies } from "./send_copies.ts";
import { SlabBuffers } from "./slab_buffers.ts";

/** The host's network through `Deno.connect`, `Deno.listen` and `Deno.listenDatagram`. */
export class DenoHost implements HostNetwork {
  private readonly buffers = new SlabBuffers();
  private readonly copies = new SendCopies();

  dial(remote: Endpoint, handler: HostDialHandler, options: DialOptions = {}): HostDial {
    return new DenoDial(remote, handler, options);
  }

  listen(local: Endpoint, accepted: (stream: HostStream) => void): HostListener {
    try {
      const listener = Deno.listen({ transport: "tcp", hostname: local.address.toString(), port: local.port });
      return new DenoListener(listener, accepted);
    } catch (error) {
      throw hostError(error, `listen on ${formatEndpoint(local)}`);
    }
  }

  datagram(local: Endpoint, handler: HostDatagramHandler, { zone }: DatagramOptions = {}): HostDatagram {
    try {
      const socket = Deno.listenDatagram({
        transport: "udp",
        hostname: local.address.toString(),
        port: local.port,
      });
      return new DenoDatagram(socket, handler, this.buffers, this.copies, zone);
    } catch (error) {
      throw hostError(error, `bind udp ${formatEndpoint(local)}`);
    }
  }
}

/** A `Deno.connect` under way. */
class DenoDial implements HostDial {
  private readonly controller = new AbortController();
  private over = false;

  constructor(private readonly remote: Endpoint, private readonly handler: HostDialHandler, { zone }: DialOptions) {
    Deno.connect({
      transport: "tcp",
      hostname: zonedAddress(remote.address, zone),
      port: remote.port,
      signal: this.controller.signal,
    }).then(this.connected, this.failed);
  }

  cancel(): void {
    if (this.over) return;
    this.over = true;
    this.controller.abort();
  }

  private readonly connected = (conn: Deno.TcpConn): void => {
    if (this.over) return conn.close(); // the kernel was faster than the signal
    const stream = streamOf(conn);
    if (stream === null) return this.failed(new HostError("reset", `connect to ${formatEndpoint(this.remote)}: gone`));
    this.over = true;
    this.handler.connected(stream);
  };

  private readonly failed = (error: unknown): void => {
    if (this.over) return;
    this.over = true;
    this.handler.failed(hostError(error, `connect to ${formatEndpoint(this.remote)}`));
  };
}

/** Accepts until it is closed. */
class DenoListener implements HostListener {
  readonly local: Endpoint;
  private closed = false;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly listener: Deno.TcpListener,
    private readonly accepted: (stream: HostStream) => void,
  ) {
    this.local = endpointOf(listener.addr);
    this.accept();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.retry);
    this.listener.close();
  }

  private readonly accept = (): void => {
    this.listener.accept().then(this.took, this.failed);
  };

  private readonly took = (conn: Deno.TcpConn): void => {
    const stream = streamOf(conn);
    if (this.closed) stream?.close();
    else {
      if (stream !== null) this.accepted(stream);
      this.accept();
    }
  };

  /** Out of descriptors, most likely: the connection waits in the kernel's queue. */
  private readonly failed = (): void => {
    if (!this.closed) this.retry = setTimeout(this.accept, ACCEPT_RETRY_MS);
  };
}

/** The stream of a connection; null if the peer closed before its address could be read. */
function streamOf(conn: Deno.TcpConn): HostStream | null {
  try {
    return new DenoStream(conn);
  } catch {
    conn.close();
    return null;
  }
}
