/**
 * Writes lines to stdout or stderr, each at once.
 *
 * Once the program serves ({@linkcode Output.dontWait}), the network never waits for the reader:
 *
 * | reader | what is done |
 * | --- | --- |
 * | keeps up | each line is written at once |
 * | is slow | lines wait, in their order, and are written as it takes them |
 * | reads nothing, and MAX_WAITING bytes wait | further lines are dropped, and counted |
 * | has closed its end | nothing is written any more |
 *
 * @module
 */

/** A writer, such as `Deno.stdout`. */
export interface SyncWriter {
  /** Writes some of the bytes, and returns how many. */
  writeSync(bytes: Uint8Array): number;
}

/** The means to write without waiting for the reader. */
export interface Patience {
  /** Whether a write of `maxWrite` bytes would return, or fail, without waiting. */
  readonly isReady: () => boolean;
  /** The most bytes of one write. */
  readonly maxWrite: number;
  /** Calls `run` in about `delay` ms. */
  readonly after: (delay: number, run: () => void) => void;
}

/** Ten thousand lines: a burst of connections that a script takes a second to digest. A pipe itself holds 64 KiB. */
export const MAX_WAITING = 1024 * 1024;

/** The first and the longest interval between two attempts to write to a slow reader. */
const FIRST_LOOK_MS = 10, LAST_LOOK_MS = 640;

/** Writes lines. */
export class Output {
  /** Lines that the reader did not get because it was too slow. */
  dropped = 0;
  private readonly encoder = new TextEncoder();
  private patience: Patience | null = null;
  private closed = false;
  /** Text that waits for the reader, and its size. */
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private looking = false;
  private delay = FIRST_LOOK_MS;

  constructor(private readonly writer: SyncWriter) {}

  /** From now on, writes never wait for the reader. */
  dontWait(patience: Patience): void {
    this.patience = patience;
  }

  /** Writes one line; the newline is added here. */
  line(text: string): void {
    this.text(`${text}\n`);
  }

  /** Writes text as it is. */
  text(text: string): void {
    if (this.closed) return;
    const bytes = this.encoder.encode(text);
    const rest = this.waiting.length > 0 ? bytes : this.write(bytes);
    if (rest.length === 0 || this.closed) return;
    if (this.waitingBytes + rest.length > MAX_WAITING) this.dropped++;
    else this.keep(rest);
  }

  /** Writes as much of the waiting text as the reader takes now. */
  flush(): void {
    while (this.waiting.length > 0 && !this.closed) {
      const next = this.waiting[0];
      const rest = this.write(next);
      this.waitingBytes -= next.length - rest.length;
      if (rest.length === next.length) return;
      if (rest.length === 0) this.waiting.shift();
      else this.waiting[0] = rest;
      this.delay = FIRST_LOOK_MS;
    }
  }

  /** Returns what could not be written now. */
  private write(bytes: Uint8Array): Uint8Array {
    const { patience } = this;
    let at = 0;
    try {
      while (at < bytes.length) {
        if (patience !== null && !patience.isReady()) break;
        const end = patience === null ? bytes.length : Math.min(bytes.length, at + patience.maxWrite);
        at += this.writer.writeSync(bytes.subarray(at, end));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) {
        this.closed = true;
        this.waiting = [];
      }
    }
    return bytes.subarray(at);
  }

  private keep(bytes: Uint8Array): void {
    if (this.patience === null) return; // a reader that does not block misses what it has no room for
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    this.look();
  }

  private look(): void {
    if (this.looking || this.patience === null) return;
    this.looking = true;
    this.patience.after(this.delay, () => {
      this.looking = false;
      this.delay = Math.min(2 * this.delay, LAST_LOOK_MS);
      this.flush();
      if (this.waiting.length > 0 && !this.closed) this.look();
      else this.delay = FIRST_LOOK_MS;
    });
  }
}
