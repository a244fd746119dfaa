/**
 * Copies of datagrams that wait for the host's kernel, in buffers that are used again.
 *
 * @module
 */
import { MAX_SPARE_COPIES, SMALL_COPY } from "./limits.ts";

/** See the module's text. */
export class SendCopies {
  private readonly spare: ArrayBuffer[] = [];

  /** A copy of `bytes[offset .. offset + length)`, to be given back when it was sent. */
  make(bytes: Uint8Array, offset: number, length: number): Uint8Array<ArrayBuffer> {
    const size = length <= SMALL_COPY ? SMALL_COPY : length;
    const memory = size === SMALL_COPY ? this.spare.pop() ?? new ArrayBuffer(size) : new ArrayBuffer(size);
    const copy = new Uint8Array(memory, 0, length);
    copy.set(bytes.subarray(offset, offset + length));
    return copy;
  }

  /** Gives a copy back; the caller must not use it again. */
  release(copy: Uint8Array<ArrayBuffer>): void {
    if (copy.buffer.byteLength === SMALL_COPY && this.spare.length < MAX_SPARE_COPIES) this.spare.push(copy.buffer);
  }
}
