/**
 * Writes the audit's lines to its file or descriptor, and reports whether they can be written.
 *
 * | event | action |
 * | --- | --- |
 * | the reader of a pipe is slow | lines wait, in their order |
 * | MAX_WAITING bytes wait, or a write fails: the disk is full, the reader has gone | {@linkcode AuditWriter.isWritable} is false until they are written |
 *
 * No line is dropped here. While lines can't be written, no flow is opened, so only lines about open flows wait.
 *
 * @module
 */
import type { Scheduler } from "../timers/scheduler.ts";

/** A file or descriptor. */
export interface AuditFile {
  /** Writes `bytes[from..to)` and returns how many; 0: not now. Throws when it can't. */
  write(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): number;
}

/** Some thousand lines: a burst that a reader takes a second to digest. */
export const MAX_WAITING = 1024 * 1024;

/** The time between two attempts to write waiting lines, in ms. */
const RETRY_MS = 50;

/** Writes lines. */
export class AuditWriter {
  private readonly encoder = new TextEncoder();
  /** Lines of this turn, which are written together: a write for each would cost as much as a small connection. */
  private turn = "";
  private readonly waiting: Uint8Array<ArrayBuffer>[] = [];
  private waitingBytes = 0;
  private isBroken = false;
  private isRetrying = false;

  constructor(private readonly file: AuditFile, private readonly scheduler: Pick<Scheduler, "after" | "defer">) {}

  /** Whether lines can be written now, or at least wait. */
  get isWritable(): boolean {
    if (this.isBroken) this.flush();
    return !this.isBroken && this.waitingBytes + this.turn.length < MAX_WAITING;
  }

  /** Writes a line at the end of this turn. */
  line(text: string): void {
    if (this.turn === "") this.scheduler.defer(() => this.endTurn());
    this.turn += `${text}\n`;
  }

  /** Writes as much of what waits as can be written now. */
  flush(): void {
    const { waiting, turn } = this;
    if (turn !== "") {
      const bytes = this.encoder.encode(turn);
      this.turn = "";
      waiting.push(bytes);
      this.waitingBytes += bytes.length;
    }
    this.isBroken = false;
    try {
      while (waiting.length > 0) {
        const next = waiting[0]!, written = this.file.write(next, 0, next.length);
        this.waitingBytes -= written;
        if (written === next.length) waiting.shift();
        else if (written > 0) waiting[0] = next.subarray(written);
        else break;
      }
    } catch {
      this.isBroken = true;
    }
    if (waiting.length > 0) this.retryLater();
  }

  private endTurn(): void {
    if (this.turn !== "") this.flush();
  }

  private retryLater(): void {
    if (this.isRetrying) return;
    this.isRetrying = true;
    this.scheduler.after(RETRY_MS, () => {
      this.isRetrying = false;
      this.flush();
    });
  }
}
