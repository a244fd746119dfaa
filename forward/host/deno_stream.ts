/**
 * A connected TCP socket of Deno's as a {@linkcode HostStream}.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../stack/base/address.ts";
import type { Chunk } from "../../stack/base/device.ts";
import { type HostStream, type HostStreamHandler, PENDING } from "./host_network.ts";
import { endpointOf } from "./deno_address.ts";
import { hostError } from "./errors.ts";

/** A `Deno.TcpConn`, connected by either side. */
export class DenoStream implements HostStream {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  handler: HostStreamHandler | null = null;
  readonly ended = false; // only another read can tell
  private closed = false;

  /** Takes the connection over. Throws if the peer's address can't be read any more. */
  constructor(private readonly conn: Deno.TcpConn) {
    this.local = endpointOf(conn.localAddr);
    this.remote = endpointOf(conn.remoteAddr);
    conn.setNoDelay(true);
    conn.setKeepAlive(true); // the guest's probes end at the stack, so a vanished peer must be detected here
  }

  read(into: Chunk): number {
    const view = into.block.bytes.subarray(into.offset, into.offset + into.length);
    this.conn.read(view).then(this.readDone, this.readFailed);
    return PENDING;
  }

  write(from: Chunk): number {
    const view = from.block.bytes.subarray(from.offset, from.offset + from.length);
    this.conn.write(view).then(this.writeDone, this.writeFailed);
    return PENDING;
  }

  closeWrite(): void {
    // It fails if the connection has ended; the pending read, or the next one, reports that.
    if (!this.closed) this.conn.closeWrite().catch(() => {});
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.conn.close();
  }

  /** Closes: Deno has no call that resets, and shuts down before it closes, so the peer sees the end of the stream. */
  reset(): void {
    this.close();
  }

  private readonly readDone = (length: number | null): void => {
    if (!this.closed) this.handler?.readDone(length ?? 0);
  };

  private readonly readFailed = (error: unknown): void => {
    if (!this.closed) this.handler?.readFailed(hostError(error, `read from ${formatEndpoint(this.remote)}`));
  };

  private readonly writeDone = (length: number): void => {
    if (!this.closed) this.handler?.writeDone(length);
  };

  private readonly writeFailed = (error: unknown): void => {
    if (!this.closed) this.handler?.writeFailed(hostError(error, `write to ${formatEndpoint(this.remote)}`));
  };
}
