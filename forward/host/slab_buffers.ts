/**
 * Receive buffers for sockets that are many and mostly see little: each may take a datagram of any size, yet costs only
 * the pages that were ever written. They are cut from slabs that are large enough for the allocator to map them fresh
 * from the kernel (glibc's mmap threshold is at most 32 MiB and 128 KiB at first), where an untouched page is no page.
 *
 * @module
 */
import { DATAGRAM_BUFFER, DATAGRAM_SLAB } from "../limits/limits.ts";

/** See the module's text. The buffer given back last is handed out first: its pages are there already. */
export class SlabBuffers {
  private readonly free: Uint8Array[] = [];

  /** A buffer of DATAGRAM_BUFFER bytes; what is in it is anything. */
  take(): Uint8Array {
    return this.free.pop() ?? this.cut();
  }

  /** Gives a buffer back, to which nothing writes any more. */
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
