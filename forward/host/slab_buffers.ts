/**
 * Receive buffers for many sockets that mostly receive little. Each holds a datagram of any size, but takes memory only for
 * the pages that were written. Buffers are cut from slabs so large that the allocator maps them fresh from the kernel
 * (glibc's mmap threshold is 128 KiB at first, and at most 32 MiB), and an untouched page of a fresh mapping takes no
 * memory.
 *
 * @module
 */
import { DATAGRAM_BUFFER, DATAGRAM_SLAB } from "../limits/limits.ts";

/** The free buffers. The buffer released last is handed out first: its pages are mapped already. */
export class SlabBuffers {
  private readonly free: Uint8Array[] = [];

  /** A buffer of DATAGRAM_BUFFER bytes with arbitrary contents. */
  take(): Uint8Array {
    return this.free.pop() ?? this.cut();
  }

  /** Takes a buffer back. Nothing may write to it any more. */
  release(buffer: Uint8Array): void {
    this.free.push(buffer);
  }

  private cut(): Uint8Array {
    const slab = new ArrayBuffer(DATAGRAM_SLAB);
    for (let at = DATAGRAM_SLAB - DATAGRAM_BUFFER; at > 0; at -= DATAGRAM_BUFFER) {
      this.free.push(new Uint8Array(slab, at, DATAGRAM_BUFFER));
    }
    return new Uint8Array(slab, 0, DATAGRAM_BUFFER);
  }
}
