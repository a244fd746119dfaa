/**
 * Copies of datagrams that wait for the host's kernel, in buffers that are used again, and a bound for all of them.
 *
 * @module
 */
import { MAX_COPIED_BYTES, MAX_SPARE_COPIES, SMALL_COPY } from "../limits/limits.ts";

/** See the module's text. */
export class SendCopies {
  private readonly spare: ArrayBuffer[] = [];
  private inUse = 0;

  /** A copy of `bytes[offset .. offset + length)`, to be given back when it was sent; null: there are too many. */
  make(bytes: Uint8Array, offset: number, length: number): Uint8Array<ArrayBuffer> | null {
    const size = Math.max(length, SMALL_COPY);
    if (this.inUse + size > MAX_COPIED_BYTES) return null;
    this.inUse += size;
    const memory = size === SMALL_COPY ? this.spare.pop() ?? new ArrayBuffer(size) : new ArrayBuffer(size);
    const copy = new Uint8Array(memory, 0, length);
    copy.set(bytes.subarray(offset, offset + length));
    return copy;
  }

  /** Gives a copy back; the caller must not use it again. */
  release(copy: Uint8Array<ArrayBuffer>): void {
    const { buffer } = copy;
    this.inUse -= buffer.byteLength;
    if (buffer.byteLength === SMALL_COPY && this.spare.length < MAX_SPARE_COPIES) this.spare.push(buffer);
  }
}
