/**
 * The host's network through Deno's own sockets.
 *
 * Deno answers every read and write by a promise, so nothing here completes at once: each call makes one promise, with
 * one `then` on functions that were bound when the socket was made. What Deno has no call for is handed in: see
 * `Resetter`.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../stack/address.ts";
import {
  type DialOptions,
  type HostDatagram,
  type HostDatagramHandler,
  HostError,
  type HostListener,
  type HostNetwork,
  type HostStream,
} from "./host.ts";
import { endpointOf } from "./host_deno_address.ts";
import { DenoDatagram } from "./host_deno_datagram.ts";
import { DenoStream, type Resetter } from "./host_deno_stream.ts";
import { hostError } from "./host_error.ts";
import { ACCEPT_RETRY_MS } from "./limits.ts";
import { SendCopies } from "./send_copies.ts";
import { SlabBuffers } from "./slab_buffers.ts";

/** See the module's text. */
export class DenoHost implements HostNetwork {
  private readonly buffers = new SlabBuffers();
  private readonly copies = new SendCopies();

  /** @param resetter makes {@linkcode HostStream.reset} a reset */
  constructor(private readonly resetter: Resetter) {}

  dial(remote: Endpoint, options: DialOptions = {}): Promise<HostStream> {
    const { signal } = options;
    return Deno.connect({
      transport: "tcp",
      hostname: remote.address.toString(),
      port: remote.port,
      ...(signal === undefined ? {} : { signal }),
    }).then(
      (conn) => {
        const stream = new DenoStream(conn, this.resetter);
        if (signal?.aborted) { // the signal came between the kernel's success and this turn
          stream.close();
          throw new HostError("aborted", `connect to ${formatEndpoint(remote)}: aborted`);
        }
        return stream;
      },
      (error: unknown) => {
        throw hostError(error, `connect to ${formatEndpoint(remote)}`);
      },
    );
  }

  listen(local: Endpoint, accepted: (stream: HostStream) => void): HostListener {
    try {
      const listener = Deno.listen({ transport: "tcp", hostname: local.address.toString(), port: local.port });
      return new DenoListener(listener, accepted, this.resetter);
    } catch (error) {
      throw hostError(error, `listen on ${formatEndpoint(local)}`);
    }
  }

  datagram(local: Endpoint, handler: HostDatagramHandler): HostDatagram {
    try {
      const socket = Deno.listenDatagram({
        transport: "udp",
        hostname: local.address.toString(),
        port: local.port,
      });
      return new DenoDatagram(socket, handler, this.buffers, this.copies);
    } catch (error) {
      throw hostError(error, `bind udp ${formatEndpoint(local)}`);
    }
  }
}

/** Accepts until it is closed. */
class DenoListener implements HostListener {
  readonly local: Endpoint;
  private closed = false;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly listener: Deno.TcpListener,
    private readonly accepted: (stream: HostStream) => void,
    private readonly resetter: Resetter,
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
    const stream = streamOf(conn, this.resetter);
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

/** The stream of an accepted connection; null if its peer was gone before it could be asked for its address. */
function streamOf(conn: Deno.TcpConn, resetter: Resetter): HostStream | null {
  try {
    return new DenoStream(conn, resetter);
  } catch {
    conn.close();
    return null;
  }
}
