/**
 * Copies of datagrams that wait until Deno has sent them, in reused buffers. The size of all copies together is bounded.
 *
 * @module
 */
import { MAX_COPIED_BYTES, MAX_SPARE_COPIES, SMALL_COPY } from "../limits/limits.ts";

/** Makes copies, and takes them back. */
export class SendCopies {
  private readonly spare: ArrayBuffer[] = [];
  private inUse = 0;

  /** Copies `bytes[offset .. offset + length)`. The caller releases the copy after sending it. Null: too many copies. */
  make(bytes: Uint8Array, offset: number, length: number): Uint8Array<ArrayBuffer> | null {
    const size = Math.max(length, SMALL_COPY);
    if (this.inUse + size > MAX_COPIED_BYTES) return null;
    this.inUse += size;
    const memory = size === SMALL_COPY ? this.spare.pop() ?? new ArrayBuffer(size) : new ArrayBuffer(size);
    const copy = new Uint8Array(memory, 0, length);
    copy.set(bytes.subarray(offset, offset + length));
    return copy;
  }

  /** Takes a copy back; the caller must not use it again. */
  release(copy: Uint8Array<ArrayBuffer>): void {
    const { buffer } = copy;
    this.inUse -= buffer.byteLength;
    if (buffer.byteLength === SMALL_COPY && this.spare.length < MAX_SPARE_COPIES) this.spare.push(buffer);
  }
}
