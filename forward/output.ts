/**
 * Lines for scripts and people, each written at once. Somebody who closes the pipe, or reads too slowly from one that
 * does not block, misses lines; the network goes on.
 *
 * @module
 */

/** Something to write to, such as `Deno.stdout`. */
export interface SyncWriter {
  /** Writes some of the bytes, and returns how many. */
  writeSync(bytes: Uint8Array): number;
}

/** Writes lines. */
export class Output {
  private readonly encoder = new TextEncoder();
  private closed = false;

  constructor(private readonly writer: SyncWriter) {}

  /** Writes one line; the newline is added here. */
  line(text: string): void {
    this.text(`${text}\n`);
  }

  /** Writes text as it is. */
  text(text: string): void {
    if (this.closed) return;
    const bytes = this.encoder.encode(text);
    try {
      for (let at = 0; at < bytes.length;) at += this.writer.writeSync(bytes.subarray(at));
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) this.closed = true;
    }
  }
}
