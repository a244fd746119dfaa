/**
 * A LibcHost with a poller of its own, and a stream's reads and writes as promises.
 *
 * @module
 */
import { LibcHost, type LibcHostOptions } from "../../../ffi/host/libc_host.ts";
import { allocate } from "../../../ffi/libc/memory.ts";
import { type HostError, type HostStream, PENDING } from "../../../forward/host/host_network.ts";
import { type Endpoint, IpAddress } from "../../../stack/base/address.ts";
import type { Chunk } from "../../../stack/base/device.ts";
import { dialled } from "../../forward/bed/dialled.ts";
import { begunPoller } from "./begun_poller.ts";

/** An address and port. */
export function endpoint(address: string, port: number): Endpoint {
  return { address: IpAddress.parse(address), port };
}

/** A LibcHost with its own poller, closed when disposed of. */
export class TestHost implements AsyncDisposable {
  readonly host: LibcHost;
  private readonly poller = begunPoller();

  constructor(options: Partial<LibcHostOptions> = {}) {
    this.host = new LibcHost({ poller: this.poller, ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.poller.close();
  }
}

const SIZE = 65_536;

/** A stream's reads and writes as promises. */
export class Conversation {
  /** Writes that had to wait. */
  writesPending = 0;
  private readonly input = allocate(SIZE);
  private readonly output = allocate(SIZE);
  private reading = Promise.withResolvers<number>();
  private writing = Promise.withResolvers<number>();
  private isStuck = Promise.withResolvers<void>();

  constructor(private readonly stream: HostStream, listen = true) {
    if (!listen) return;
    stream.handler = {
      readDone: (length) => this.reading.resolve(length),
      readFailed: (error: HostError) => this.reading.reject(error),
      writeDone: (length) => this.writing.resolve(length),
      writeFailed: (error: HostError) => this.writing.reject(error),
    };
  }

  /** Memory to read into. */
  chunk(length: number): Chunk {
    return { block: this.input, offset: 100, length };
  }

  /** The text of one read; empty at the end. */
  async read(): Promise<string> {
    const length = await this.readBytes(SIZE - 100);
    return new TextDecoder().decode(this.input.bytes.subarray(100, 100 + length));
  }

  /** Writes a whole text. */
  async write(text: string): Promise<number> {
    const { written } = new TextEncoder().encodeInto(text, this.output.bytes);
    for (let at = 0; at < written;) at += await this.writeBytes(at, written - at);
    return written;
  }

  /** Resolves when a write has waited for 100 ms. */
  stuck(): Promise<void> {
    return this.isStuck.promise;
  }

  /** Writes `total` bytes of a sequence. */
  async pump(total: number, step: number): Promise<number> {
    const { bytes } = this.output;
    let sent = 0;
    while (sent < total) {
      const length = Math.min(SIZE, total - sent);
      for (let i = 0; i < length; i++) bytes[i] = (sent + i) * step;
      for (let at = 0; at < length;) at += await this.writeBytes(at, length - at);
      sent += length;
    }
    return sent;
  }

  /** Reads `total` bytes of a sequence, in pieces of several sizes; returns how many were as expected. */
  async check(total: number, step: number): Promise<number> {
    let received = 0, right = 0;
    for (let i = 0; received < total; i++) {
      const length = await this.readBytes([4096, 100, SIZE - 100, 30_000][i % 4]);
      if (length === 0) break;
      const { bytes } = this.input;
      for (let k = 0; k < length; k++) if (bytes[100 + k] === ((received + k) * step & 0xff)) right++;
      received += length;
    }
    return right;
  }

  private readBytes(length: number): Promise<number> {
    this.reading = Promise.withResolvers();
    return this.settle(() => this.stream.read(this.chunk(length)), this.reading.promise);
  }

  private async writeBytes(offset: number, length: number): Promise<number> {
    this.writing = Promise.withResolvers();
    let pending = false;
    const result = this.settle(() => {
      const written = this.stream.write({ block: this.output, offset, length });
      pending = written === PENDING;
      return written;
    }, this.writing.promise);
    if (!pending) return result;
    this.writesPending++;
    const timer = setTimeout(this.isStuck.resolve, 100);
    return await result.finally(() => clearTimeout(timer));
  }

  private settle(start: () => number, later: Promise<number>): Promise<number> {
    later.catch(() => {}); // handled below, where it is awaited
    try {
      const result = start();
      return result === PENDING ? later : Promise.resolve(result);
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

/** A connection between a dialled stream and an accepted one. */
export async function connectedPair(
  test: TestHost,
  address: string,
): Promise<{ client: HostStream; server: HostStream }> {
  const accepted = Promise.withResolvers<HostStream>();
  const listener = test.host.listen(endpoint(address, 0), accepted.resolve);
  const client = await dialled(test.host, listener.local);
  const server = await accepted.promise;
  listener.close();
  return { client, server };
}
