/**
 * A place to store captures that does what the test says.
 *
 * @module
 */
import type { CaptureSink } from "../../../forward/capture/pcap_writer.ts";

/** Keeps what is written. */
export class FakeSink implements CaptureSink {
  bytes: number[] = [];
  /** The sizes of the writes that took something. */
  readonly writes: number[] = [];
  closed = 0;
  /** Bytes that it still takes before it takes nothing. */
  room = Infinity;
  /** Thrown by the next write. */
  error: Error | null = null;
  truncatable = true;

  write(bytes: Uint8Array, from: number, to: number): number {
    if (this.closed > 0) throw new Error("written after the close");
    const taken = Math.min(to - from, this.room);
    if (taken === 0 && this.error !== null) throw this.error;
    if (taken > 0) {
      this.writes.push(taken);
      for (let i = from; i < from + taken; i++) this.bytes.push(bytes[i]);
      this.room -= taken;
    }
    return taken;
  }

  truncate(size: number): void {
    if (!this.truncatable) throw new Error("not a file");
    this.bytes = this.bytes.slice(0, size);
  }

  close(): void {
    this.closed++;
  }
}

/** Timers that the test fires. */
export class FakeTimers {
  readonly delays: number[] = [];
  private readonly runs: (() => void)[] = [];

  readonly after = (delay: number, run: () => void): void => {
    this.delays.push(delay);
    this.runs.push(run);
  };

  get pending(): number {
    return this.runs.length;
  }

  private readonly resting: (() => void)[] = [];

  readonly atRest = (run: () => void): void => {
    this.resting.push(run);
  };

  /** The loop comes to rest. Returns how many wanted to know. */
  rest(): number {
    const all = this.resting.splice(0);
    for (const run of all) run();
    return all.length;
  }

  /** Fires those that are set now. */
  fire(): void {
    for (const run of this.runs.splice(0)) run();
  }
}
