/**
 * The pump between a connection of the guest and one of the host.
 *
 * Each direction has one piece of memory in use at a time, and nothing is copied:
 *
 *     guest → host   peek a received piece → host write → consume what was written (the window opens) → next
 *     host → guest   reserve send memory → host read → commit what was read (it is sent) → next
 *
 * So a reader that stops also stops the writer: the pump consumes only data that the host has taken, and reads from the
 * host only as much as fits into the guest's send buffer. Host operations complete at once or later. While they complete
 * at once, the pump does a few operations a turn, and then lets other connections run.
 *
 * The end of one side becomes the same kind of end on the other:
 *
 * | event | action |
 * | --- | --- |
 * | guest's FIN, all before it written | host `closeWrite`; the other direction goes on |
 * | end of the host's stream | FIN to the guest, in the segment of the last data; the other direction goes on |
 * | both | the host's socket is closed; the splice is over when the guest has acknowledged all |
 * | host reset, or any other host error | guest `abort` (RST) |
 * | guest reset, timed out, unreachable | host `reset` (RST) |
 *
 * There is one exception. A host may end its stream and then refuse more data, like a server that answers and closes
 * without reading the whole request. The guest must still get the end of that answer. Until the guest has acknowledged it,
 * data from the guest is dropped; then the reset follows.
 *
 * The stack may report the good end while data of the guest waits for a slow host; that data is still written. After the
 * end neither side is called again. A host's operation that is still pending may use its memory: the stack does not reuse
 * that memory until then.
 *
 * @module
 */
import type { TcpFailure, TcpFlow, TcpHandler } from "../../stack/tcp/flow.ts";
import { type EndReason, endReason, EndReasons, EndReport, EOF } from "../report/end_report.ts";
import type { Scheduler } from "../timers/scheduler.ts";
import { HostError, type HostStream, type HostStreamHandler, PENDING } from "../host/host_network.ts";
import { OPERATIONS_PER_TURN, READ_SIZES } from "../limits/limits.ts";

/** A side of the end report: the one that asked for the connection, or the other. */
export type Side = "l" | "r";

/** The pump of one connection. It is the handler of both sides. */
export class Splice implements TcpHandler, HostStreamHandler {
  readonly ends = new EndReport();
  private flow: TcpFlow | null = null;
  private reading = false;
  private writing = false;
  /** The length of the memory of the pending read. */
  private reserved = 0;
  /** The index in READ_SIZES of the next read's size. */
  private readSize = 0;
  private hostEnded = false;
  private guestEnded = false;
  /** Bytes given to the guest's side. */
  private committed = 0;
  /** Whether the host takes no more data, and its answer is not acknowledged yet. */
  private draining = false;
  /** Whether the stack has reported the connection's good end. */
  private flowEnded = false;
  private over = false;
  private deferred = false;

  /**
   * @param stream the connected host's side; its handler is set here
   * @param guestSide the guest's side of the end report
   * @param ended called once, when both sides are released
   */
  constructor(
    private readonly stream: HostStream,
    private readonly guestSide: Side,
    private readonly scheduler: Scheduler,
    private readonly ended: (splice: Splice) => void,
  ) {
    stream.handler = this;
  }

  /**
   * Starts pumping. This splice must be the flow's handler already.
   *
   * @param committed how many bytes were given to the guest's side before
   */
  start(flow: TcpFlow, committed = 0): void {
    this.flow = flow;
    this.committed = committed;
    this.pump();
  }

  /** Goes on with the guest's side itself, instead of one that stood before it. After the end it does nothing. */
  continueWith(flow: TcpFlow): void {
    if (this.over) return;
    this.flow = flow;
    flow.handler = this;
  }

  /** Resets both sides; after the end it does nothing. */
  abort(): void {
    if (this.over) return;
    this.flow?.abort();
    this.stream.reset();
    this.finish();
  }

  // ---- the guest's side ----

  established(): void {}

  readable(): void {
    if (!this.deferred) this.pumpToHost();
  }

  writable(): void {
    if (!this.deferred) this.pumpToGuest();
  }

  closed(failure: TcpFailure | null): void {
    if (this.over) return;
    if (failure === null) {
      this.flowEnded = true;
      this.pumpToHost();
      this.finishIfDone();
      return;
    }
    this.ends.record(`${this.guestSide}-read`, GUEST_FAILURES[failure]);
    this.stream.reset();
    this.finish();
  }

  // ---- the host's side ----

  readDone(length: number): void {
    this.reading = false;
    if (this.over) return;
    this.tookRead(length);
    this.pumpToGuest();
  }

  readFailed(error: HostError): void {
    this.reading = false;
    if (this.over) return;
    this.hostReadFailed(error);
  }

  writeDone(length: number): void {
    this.writing = false;
    if (this.over) return;
    this.guest.consume(length);
    this.pumpToHost();
  }

  writeFailed(error: HostError): void {
    this.writing = false;
    if (this.over) return;
    this.hostWriteFailed(error);
  }

  // ---- the pump ----

  private get guest(): TcpFlow {
    if (this.flow === null) throw new Error("a splice was used before its start");
    return this.flow;
  }

  private pump(): void {
    this.pumpToGuest();
    this.pumpToHost();
  }

  private pumpToHost(): void {
    const flow = this.guest;
    for (let operations = 0; !this.writing && !this.guestEnded && !this.over; operations++) {
      if (operations === OPERATIONS_PER_TURN) return this.yieldTurn();
      const chunk = flow.peek();
      if (chunk === null) {
        if (flow.readEnded || this.flowEnded) this.guestFinished();
        return;
      }
      if (this.draining) {
        if (flow.bytesAcknowledged >= this.committed) return this.abort();
        flow.consume(chunk.length);
        continue;
      }
      let written: number;
      try {
        written = this.stream.write(chunk);
      } catch (error) {
        return this.hostWriteFailed(error);
      }
      if (written === PENDING) this.writing = true;
      else flow.consume(written);
    }
  }

  private pumpToGuest(): void {
    const flow = this.guest;
    for (let operations = 0; !this.reading && !this.hostEnded && !this.over; operations++) {
      if (operations === OPERATIONS_PER_TURN) return this.yieldTurn();
      const chunk = flow.reserve(READ_SIZES[this.readSize]);
      if (chunk === null) return; // writable() follows
      this.reserved = chunk.length;
      let read: number;
      try {
        read = this.stream.read(chunk);
      } catch (error) {
        return this.hostReadFailed(error);
      }
      if (read === PENDING) this.reading = true;
      else this.tookRead(read);
    }
  }

  private tookRead(length: number): void {
    const ended = length === 0 || this.stream.ended;
    this.guest.commit(length, ended);
    this.committed += length;
    if (ended) {
      this.hostEnded = true;
      this.ends.record(`${this.hostSide}-read`, EOF);
      this.finishIfDone();
    } else if (length < this.reserved) {
      while (this.readSize > 0 && length <= READ_SIZES[this.readSize - 1]) this.readSize--;
    } else if (this.reserved >= READ_SIZES[this.readSize] && this.readSize < READ_SIZES.length - 1) {
      this.readSize++;
    }
  }

  private guestFinished(): void {
    this.guestEnded = true;
    this.ends.record(`${this.guestSide}-read`, EOF);
    if (!this.hostEnded) this.stream.closeWrite(); // else it is closed next
    this.finishIfDone();
  }

  private hostReadFailed(error: unknown): void {
    this.ends.record(`${this.hostSide}-read`, endReason(error));
    this.hostFailed(error);
  }

  private hostWriteFailed(error: unknown): void {
    this.ends.record(`${this.hostSide}-write`, endReason(error));
    if (this.hostEnded && this.guest.bytesAcknowledged < this.committed) {
      this.draining = true;
      this.pumpToHost();
    } else {
      this.hostFailed(error);
    }
  }

  private hostFailed(error: unknown): void {
    if (!(error instanceof HostError)) reportError(error);
    this.abort();
  }

  private get hostSide(): Side {
    return this.guestSide === "l" ? "r" : "l";
  }

  /** Lets other connections run, and goes on in a later turn. */
  private yieldTurn(): void {
    if (this.deferred) return;
    this.deferred = true;
    this.scheduler.defer(() => {
      this.deferred = false;
      if (this.over) return;
      this.pump();
    });
  }

  private finishIfDone(): void {
    if (this.over || !this.hostEnded || !this.guestEnded) return;
    this.stream.close();
    if (this.flowEnded) this.finish();
  }

  private finish(): void {
    this.over = true;
    this.ended(this);
  }
}

const GUEST_FAILURES: Readonly<Record<TcpFailure, EndReason>> = {
  reset: EndReasons.RESET,
  timeout: EndReasons.TIMED_OUT,
  unreachable: EndReasons.NO_ROUTE,
  aborted: EndReasons.ABORTED,
};
