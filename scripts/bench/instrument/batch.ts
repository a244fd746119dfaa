/**
 * Datagrams in batches, as `struct mmsghdr` for sendmmsg(2) and recvmmsg(2), so that neither end of a flood is slower
 * than the program between them.
 *
 *     msghdr    0 name (64)   8 its length (32)   16 iovec (64)   24 count of iovecs (64)   32 control, flags   56 bytes
 *     mmsghdr   0 msghdr      56 received length (32)                                                          64 bytes
 *     iovec     0 address (64)   8 length (64)                                                                 16 bytes
 *
 * @module
 */
import { libc } from "./libc.ts";

const HEADER_SIZE = 64;
const IOVEC_SIZE = 16;

/** Buffers of one size, and the headers that point at them. */
export class Batch {
  private readonly headers: Uint8Array<ArrayBuffer>;
  private readonly iovecs: Uint8Array<ArrayBuffer>;
  private readonly data: Uint8Array<ArrayBuffer>;
  private readonly view: DataView<ArrayBuffer>;
  private readonly headersView: DataView<ArrayBuffer>;

  /** @param count datagrams; @param size bytes of each */
  constructor(readonly count: number, private readonly size: number) {
    this.headers = new Uint8Array(count * HEADER_SIZE);
    this.iovecs = new Uint8Array(count * IOVEC_SIZE);
    this.data = new Uint8Array(count * size);
    this.view = new DataView(this.data.buffer);
    this.headersView = new DataView(this.headers.buffer);
    const iovecs = new DataView(this.iovecs.buffer);
    const [iovecsAt, dataAt] = [addressOf(this.iovecs), addressOf(this.data)];
    for (let i = 0; i < count; i++) {
      this.headersView.setBigUint64(i * HEADER_SIZE + 16, iovecsAt + BigInt(i * IOVEC_SIZE), true);
      this.headersView.setBigUint64(i * HEADER_SIZE + 24, 1n, true);
      iovecs.setBigUint64(i * IOVEC_SIZE, dataAt + BigInt(i * size), true);
      iovecs.setBigUint64(i * IOVEC_SIZE + 8, BigInt(size), true);
    }
  }

  /** Sends the first `count` on a connected socket. Returns how many the kernel took, or -1. */
  send(fd: number, count: number, flags: number): number {
    return libc.sendmmsg(fd, this.headers, count, flags);
  }

  /** Receives all that are waiting, and returns how many there were, or -1. */
  receive(fd: number, flags: number): number {
    return libc.recvmmsg(fd, this.headers, this.count, flags, null);
  }

  /** The first four bytes of a datagram, little-endian. */
  number(index: number): number {
    return this.view.getUint32(index * this.size, true);
  }

  /** Writes the first four bytes, little-endian. */
  setNumber(index: number, value: number): void {
    this.view.setUint32(index * this.size, value, true);
  }

  /** The length of a received datagram in bytes. */
  length(index: number): number {
    return this.headersView.getUint32(index * HEADER_SIZE + 56, true);
  }
}

function addressOf(bytes: Uint8Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
}
