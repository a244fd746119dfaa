/**
 * Reads the PROXY header at the beginning of a client's connection, which may arrive in pieces.
 *
 * @module
 */
import type { Endpoint } from "../../../stack/base/address.ts";
import type { Allocate, Block } from "../../../stack/base/device.ts";
import { type HostError, type HostStream, type HostStreamHandler, PENDING } from "../../host/host_network.ts";
import { type EndReason, endReason } from "../../report/end_report.ts";
import { parseProxyLine, type ProxyLine } from "../proxy_protocol/v1.ts";

/** The header, and the client's data that came with it; valid until the call returns. */
export interface ProxiedStart {
  /** The two ends of the connection to the proxy; null: the proxy does not know. */
  readonly source: Endpoint | null;
  readonly destination: Endpoint | null;
  readonly data: Uint8Array;
}

/** Takes the outcome. One of the two is called, once. */
export interface ProxyHeaderHandler {
  headerRead(start: ProxiedStart): void;
  headerFailed(reason: EndReason): void;
}

/** The size of the buffer: more than MAX_PROXY_LINE, so that one read gets most clients' first data as well. */
const BUFFER = 2_048;

/** The client has closed its side too early. */
const ENDED_EARLY: EndReason = { text: "the connection ended before its PROXY header did", outcome: "other" };

/** Reads the header of one connection. */
export class ProxyHeaderReader implements HostStreamHandler {
  private readonly block: Block;
  private length = 0;

  /** Reads nothing before {@linkcode start} is called. */
  constructor(
    private readonly stream: HostStream,
    allocate: Allocate,
    private readonly handler: ProxyHeaderHandler,
  ) {
    this.block = allocate(BUFFER);
    stream.handler = this;
  }

  /** Reads until the outcome is known. May call the handler at once. */
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

  /** Takes `length` bytes; returns whether more must be read. */
  private took(length: number): boolean {
    if (length === 0) {
      this.handler.headerFailed(ENDED_EARLY);
      return false;
    }
    this.length += length;
    const line: ProxyLine = parseProxyLine(this.block.bytes, this.length);
    if (line.kind === "incomplete") return true; // there is room: it is shorter than the longest line
    if (line.kind === "invalid") this.handler.headerFailed({ text: line.reason, outcome: "other" });
    else {
      const { source, destination } = line;
      this.handler.headerRead({ source, destination, data: this.block.bytes.subarray(line.length, this.length) });
    }
    return false;
  }
}
