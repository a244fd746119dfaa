/**
 * The guest's side of a connection, as a splice sees it while each request is judged: only the bytes that may pass.
 *
 * @module
 */
import type { Endpoint } from "../../stack/base/address.ts";
import type { Chunk } from "../../stack/base/device.ts";
import type { TcpFlow, TcpHandler } from "../../stack/tcp/flow.ts";

/** Decides which bytes may pass. */
export interface FlowJudge {
  /** Returns how many of the guest's next bytes may pass now. */
  mayPass(): number;
  /** Counts bytes that have passed. */
  passed(length: number): void;
  /** Whether the server's bytes may pass. */
  mayAnswer(): boolean;
  /** Takes bytes that the server has sent, `bytes[start..end)`. */
  answered(bytes: Uint8Array, start: number, end: number): void;
  /** Whether the connection is refused: the splice must leave it alone. */
  readonly isRefused: boolean;
}

/** A flow that passes only the bytes that a {@linkcode FlowJudge} allows. */
export class JudgedFlow implements TcpFlow {
  private reserved: Chunk | null = null;

  constructor(private readonly flow: TcpFlow, private readonly judge: FlowJudge) {}

  get guest(): Endpoint {
    return this.flow.guest;
  }

  get local(): Endpoint {
    return this.flow.local;
  }

  get handler(): TcpHandler {
    return this.flow.handler;
  }

  set handler(handler: TcpHandler) {
    this.flow.handler = handler;
  }

  get readable(): number {
    return this.flow.readable;
  }

  get readEnded(): boolean {
    return !this.judge.isRefused && this.flow.readEnded;
  }

  get bytesReceived(): number {
    return this.flow.bytesReceived;
  }

  get bytesAcknowledged(): number {
    return this.flow.bytesAcknowledged;
  }

  peek(): Chunk | null {
    const most = this.judge.mayPass();
    const chunk = most === 0 ? null : this.flow.peek();
    if (chunk === null || chunk.length <= most) return chunk;
    return { block: chunk.block, offset: chunk.offset, length: most };
  }

  copyReceived(into: Uint8Array): number {
    return this.flow.copyReceived(into.subarray(0, this.judge.mayPass()));
  }

  consume(length: number): void {
    this.judge.passed(length);
    this.flow.consume(length);
  }

  reserve(wanted: number): Chunk | null {
    return this.reserved = this.judge.mayAnswer() ? this.flow.reserve(wanted) : null;
  }

  commit(length: number, last = false): void {
    const { reserved } = this;
    if (reserved !== null) this.judge.answered(reserved.block.bytes, reserved.offset, reserved.offset + length);
    this.flow.commit(length, last);
  }

  shutdown(): void {
    this.flow.shutdown();
  }

  abort(): void {
    if (!this.judge.isRefused) this.flow.abort();
  }
}
