/**
 * The PROXY header of a connection that was accepted: read as it comes, in however many pieces, with what follows it.
 *
 * @module
 */
import type { Endpoint } from "../../../stack/base/address.ts";
import type { Allocate, Block } from "../../../stack/base/device.ts";
import { type HostError, type HostStream, type HostStreamHandler, PENDING } from "../../host/port.ts";
import { type EndReason, endReason } from "../../report/end_report.ts";
import { parseProxyLine, type ProxyLine } from "../proxy_protocol/v1.ts";

/** The header, and the client's data that came with it; they are valid until the call returns. */
export interface ProxiedStart {
  /** For whom the proxy connects, and where to; null: it does not know. */
  readonly source: Endpoint | null;
  readonly destination: Endpoint | null;
  readonly data: Uint8Array;
}

/** Is told how it went, once. */
export interface ProxyHeaderHandler {
  headerRead(start: ProxiedStart): void;
  headerFailed(reason: EndReason): void;
}

/** Reads at most this much: more than MAX_PROXY_LINE, so that one read gets most requests as well. */
const BUFFER = 2_048;

/** The client has nothing more to say. */
const ENDED_EARLY: EndReason = { text: "the connection ended before its PROXY header did", outcome: "other" };

/** See the module's text. */
export class ProxyHeaderReader implements HostStreamHandler {
  private readonly block: Block;
  private length = 0;

  /** Starts to read once {@linkcode start} is called. */
  constructor(
    private readonly stream: HostStream,
    allocate: Allocate,
    private readonly handler: ProxyHeaderHandler,
  ) {
    this.block = allocate(BUFFER);
    stream.handler = this;
  }

  /** Reads until it knows. May call the handler at once. */
  start(): void {
    const { block, stream } = this;
    let read: number;
    do {
      try {
        read = stream.read({ block, offset: this.length, length: BUFFER - this.length });
      } catch (error) {
        return this.handler.headerFailed(endReason(error));
      }
    } while (read !== PENDING && this.took(read));
  }

  readDone(length: number): void {
    if (this.took(length)) this.start();
  }

  readFailed(error: HostError): void {
    this.handler.headerFailed(endReason(error));
  }

  writeDone(): void {}

  writeFailed(): void {}

  /** Whether more must be read. */
  private took(length: number): boolean {
    if (length === 0) {
      this.handler.headerFailed(ENDED_EARLY);
      return false;
    }
    this.length += length;
    const line: ProxyLine = parseProxyLine(this.block.bytes, this.length);
    if (line.kind === "incomplete") return true; // there is room, as it is shorter than a line may be
    if (line.kind === "invalid") this.handler.headerFailed({ text: line.reason, outcome: "other" });
    else {
      const { source, destination } = line;
      this.handler.headerRead({ source, destination, data: this.block.bytes.subarray(line.length, this.length) });
    }
    return false;
  }
}
