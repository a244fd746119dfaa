/**
 * Stand-ins for what is around `forward/`: an event loop with a clock of its own, a guest's connection, and a host's
 * socket, each strict about how it may be used.
 *
 * @module
 */
import { type Endpoint, IpAddress } from "../../../stack/base/address.ts";
import { allocatePlain, type Chunk } from "../../../stack/base/device.ts";
import type { Unreachable } from "../../../stack/base/layers.ts";
import type { TcpFailure, TcpFlow, TcpHandler, TcpRequest } from "../../../stack/tcp/flow.ts";
import type { Scheduler } from "../../../forward/timers/scheduler.ts";
import {
  type HostError,
  type HostStream,
  type HostStreamHandler,
  PENDING,
} from "../../../forward/host/host_network.ts";
import { assert, assertEquals } from "../../assert.ts";

/** `10.0.2.100:80`, `[fd00::100]:80`. */
export function endpoint(text: string): Endpoint {
  const colon = text.lastIndexOf(":");
  return { address: IpAddress.parse(text.slice(0, colon).replace(/[[\]]/g, "")), port: Number(text.slice(colon + 1)) };
}

/** Numbers from 0 to below 1 that are the same in every run (mulberry32). */
export function seededRandom(seed: number): () => number {
  return () => {
    seed = seed + 0x6d2b79f5 | 0;
    let t = Math.imul(seed ^ seed >>> 15, 1 | seed);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 4294967296;
  };
}

/** An event loop whose time passes when it is told to. */
export class FakeScheduler implements Scheduler {
  time = 1_000;
  private readonly deferred: (() => void)[] = [];
  private readonly timers: { at: number; run: () => void }[] = [];

  now(): number {
    return this.time;
  }

  defer(run: () => void): void {
    this.deferred.push(run);
  }

  after(delay: number, run: () => void): void {
    this.timers.push({ at: this.time + delay, run });
  }

  get deferredCount(): number {
    return this.deferred.length;
  }

  get timerCount(): number {
    return this.timers.length;
  }

  /** Runs what was deferred so far. */
  runDeferred(): void {
    for (const run of this.deferred.splice(0)) run();
  }

  /** Lets time pass, and timers fire in their order. */
  advance(ms: number): void {
    const until = this.time + ms;
    for (;;) {
      this.timers.sort((a, b) => a.at - b.at);
      const next = this.timers[0];
      if (next === undefined || next.at > until) break;
      this.timers.shift();
      this.time = Math.max(this.time, next.at);
      next.run();
    }
    this.time = until;
  }
}

/** Hears all and does nothing. */
const INATTENTIVE: TcpHandler = { established() {}, readable() {}, writable() {}, closed() {} };

/** A guest's connection. The test plays the guest and the stack. */
export class FakeFlow implements TcpFlow {
  readonly guest: Endpoint = endpoint("10.0.2.100:40000");
  readonly local: Endpoint = endpoint("192.0.2.1:80");
  bytesReceived = 0;
  bytesAcknowledged = 0;
  /** What the user committed. */
  readonly toGuest: number[] = [];
  shutdowns = 0;
  aborts = 0;
  /** Bytes that the send buffer holds at most without being acknowledged. */
  sendLimit = 300_000;
  private readonly received: Uint8Array[] = [];
  private finReceived = false;
  private reserved: Chunk | null = null;
  private blocked = false;
  private over = false;

  constructor(public handler: TcpHandler = INATTENTIVE) {}

  get readable(): number {
    return this.received.reduce((sum, piece) => sum + piece.length, 0);
  }

  get readEnded(): boolean {
    return this.finReceived && this.received.length === 0;
  }

  peek(): Chunk | null {
    const bytes = this.received[0];
    return bytes === undefined ? null : { block: { bytes, address: 0 }, offset: 0, length: bytes.length };
  }

  copyReceived(into: Uint8Array): number {
    let at = 0;
    for (const piece of this.received) {
      const part = piece.subarray(0, into.length - at);
      into.set(part, at);
      at += part.length;
    }
    return at;
  }

  consume(length: number): void {
    const piece = this.received[0];
    assert(piece !== undefined && length <= piece.length, "consumed more than there was");
    if (length === piece.length) this.received.shift();
    else this.received[0] = piece.subarray(length);
  }

  reserve(wanted: number): Chunk | null {
    assert(wanted > 0);
    const room = this.sendLimit - (this.toGuest.length - this.bytesAcknowledged);
    if (room <= 0 || this.over || this.shutdowns > 0) {
      this.blocked = true;
      return null;
    }
    const length = Math.min(wanted, room);
    return this.reserved = { block: allocatePlain(length), offset: 0, length };
  }

  commit(length: number, last = false): void {
    if (this.over) return;
    assert(this.reserved !== null && length <= this.reserved.length, "committed what was not reserved");
    for (let i = 0; i < length; i++) this.toGuest.push(this.reserved.block.bytes[i]);
    this.reserved = null;
    if (last) this.shutdown();
  }

  shutdown(): void {
    this.shutdowns++;
  }

  abort(): void {
    if (this.over) return;
    this.over = true;
    this.aborts++;
    this.handler = INATTENTIVE; // as the stack does: nothing is told any more
  }

  // the test's side

  /** Data from the guest. */
  sends(bytes: Uint8Array): void {
    this.received.push(bytes);
    this.bytesReceived += bytes.length;
    this.handler.readable();
  }

  /** The guest's FIN. */
  finishes(): void {
    this.finReceived = true;
    this.handler.readable();
  }

  /** The guest acknowledges. */
  acknowledges(length: number): void {
    this.bytesAcknowledged = Math.min(this.toGuest.length, this.bytesAcknowledged + length);
    if (!this.blocked || this.over || this.toGuest.length - this.bytesAcknowledged >= this.sendLimit) return;
    this.blocked = false;
    this.handler.writable();
  }

  /** The end of the connection. */
  ends(failure: TcpFailure | null): void {
    assert(!this.over, "ended twice");
    this.over = true;
    this.handler.closed(failure);
  }

  get isOver(): boolean {
    return this.over;
  }
}

/** A SYN that records its verdict. */
export class FakeRequest implements TcpRequest {
  readonly guest: Endpoint = endpoint("10.0.2.100:40000");
  cancelled: (() => void) | null = null;
  verdict: "accepted" | "refused" | "dropped" | "time exceeded" | "relayed" | Unreachable | null = null;
  hopLimit = 64;
  readonly flow: FakeFlow = new FakeFlow();

  constructor(readonly local: Endpoint = endpoint("192.0.2.1:80")) {}

  accept(handler: TcpHandler): TcpFlow {
    this.decide("accepted");
    this.flow.handler = handler;
    return this.flow;
  }

  refuse(): void {
    this.decide("refused");
  }

  unreachable(what: Unreachable): void {
    this.decide(what);
  }

  timeExceeded(): void {
    this.decide("time exceeded");
  }

  relay(): void {
    this.decide("relayed");
  }

  drop(): void {
    this.decide("dropped");
  }

  /** The flow's handler; null without a flow. */
  get handler(): TcpHandler | null {
    return this.verdict === "accepted" ? this.flow.handler : null;
  }

  private decide(verdict: NonNullable<FakeRequest["verdict"]>): void {
    assertEquals(this.verdict, null, "a second verdict");
    this.verdict = verdict;
  }
}

/** A host's socket. The test plays the host. */
export class FakeStream implements HostStream {
  readonly local: Endpoint = endpoint("198.51.100.1:50000");
  readonly remote: Endpoint = endpoint("192.0.2.1:80");
  handler: HostStreamHandler | null = null;
  /** What the host received. */
  readonly fromGuest: number[] = [];
  writeEnded = false;
  closes = 0;
  resets = 0;
  /** Lengths of the reads asked for. */
  readonly reads: number[] = [];
  private pendingRead: Chunk | null = null;
  private pendingWrite: Chunk | null = null;
  private readonly queue: number[] = [];
  private finished = false;
  ended = false;

  /** @param immediate asked for each operation: whether it may complete at once */
  constructor(private readonly immediate: () => boolean = () => false) {}

  read(into: Chunk): number {
    assert(this.pendingRead === null, "a second read");
    this.assertOpen();
    this.reads.push(into.length);
    if (this.immediate() && (this.queue.length > 0 || this.finished)) return this.fill(into);
    this.pendingRead = into;
    return PENDING;
  }

  write(from: Chunk): number {
    assert(this.pendingWrite === null, "a second write");
    assert(!this.writeEnded, "a write after closeWrite");
    this.assertOpen();
    if (this.immediate()) return this.drain(from, 1 + from.length >> 1);
    this.pendingWrite = { block: from.block, offset: from.offset, length: from.length };
    return PENDING;
  }

  closeWrite(): void {
    assert(this.pendingWrite === null, "closeWrite beside a write");
    this.assertOpen();
    assert(!this.writeEnded, "a second closeWrite");
    this.writeEnded = true;
  }

  close(): void {
    if (this.isClosed) return;
    this.closes++;
  }

  reset(): void {
    if (this.isClosed) return;
    this.resets++;
  }

  get isClosed(): boolean {
    return this.closes + this.resets > 0;
  }

  get isReading(): boolean {
    return this.pendingRead !== null && !this.isClosed;
  }

  get isWriting(): boolean {
    return this.pendingWrite !== null && !this.isClosed;
  }

  // the test's side

  /** Queues data for the guest; a pending read waits for {@linkcode completeRead}. */
  sends(bytes: Uint8Array): void {
    for (const byte of bytes) this.queue.push(byte);
  }

  /** The host's FIN. */
  finishes(): void {
    this.finished = true;
  }

  /** Tells the end with the last data, as a host does that has both when it is asked: see {@linkcode HostStream.ended}. */
  endsWithData = false;

  /** Completes the pending read, if there is one and something to give. */
  completeRead(): void {
    const into = this.pendingRead;
    if (into === null || this.isClosed || (this.queue.length === 0 && !this.finished)) return;
    this.pendingRead = null;
    this.handler!.readDone(this.fill(into));
  }

  /** Completes the pending write, if there is one, with at most `most` bytes. */
  completeWrite(most = Infinity): void {
    const from = this.pendingWrite;
    if (from === null || this.isClosed) return;
    this.pendingWrite = null;
    this.handler!.writeDone(this.drain(from, most));
  }

  /** Fails the pending read. */
  failRead(error: HostError): void {
    assert(this.pendingRead !== null, "no read to fail");
    this.pendingRead = null;
    this.handler!.readFailed(error);
  }

  /** Fails the pending write. */
  failWrite(error: HostError): void {
    assert(this.pendingWrite !== null, "no write to fail");
    this.pendingWrite = null;
    this.handler!.writeFailed(error);
  }

  private fill(into: Chunk): number {
    const piece = this.queue.splice(0, into.length);
    into.block.bytes.set(piece, into.offset);
    this.ended = this.endsWithData && this.finished && this.queue.length === 0;
    return piece.length;
  }

  private drain(from: Chunk, most: number): number {
    const length = Math.min(from.length, most);
    for (let i = 0; i < length; i++) this.fromGuest.push(from.block.bytes[from.offset + i]);
    return length;
  }

  private assertOpen(): void {
    assert(!this.isClosed, "used after its end");
  }
}

/** Lets promises that are settled call back. */
export const settled = (): Promise<void> => new Promise<void>((resolve) => setTimeout(resolve, 0));
