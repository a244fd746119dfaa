/**
 * Machine addresses of any byte arrays, for system calls that send bytes without copying them.
 *
 * @module
 */

/** Finds the machine addresses of byte arrays, and remembers them for as long as the arrays live. */
export class ByteAddresses {
  private readonly known = new WeakMap<Uint8Array, number>();
  private last: Uint8Array | null = null;
  private lastAddress = 0;

  /**
   * The address of `bytes[0]`, exact as a Number; 0 for an empty array. It is valid as long as the array is reachable
   * and its buffer is not transferred or resized.
   */
  of(bytes: Uint8Array): number {
    if (bytes === this.last) return this.lastAddress;
    const address = this.known.get(bytes) ?? this.find(bytes);
    this.last = bytes;
    return this.lastAddress = address;
  }

  private find(bytes: Uint8Array): number {
    // A small array may lie in V8's heap, where it moves. Reading `buffer` moves it out of the heap for good.
    const outside = bytes.buffer.byteLength > 0;
    const pointer = outside && bytes.length > 0 ? Deno.UnsafePointer.of(asBuffer(bytes)) : null;
    const address = pointer === null ? 0 : Number(Deno.UnsafePointer.value(pointer));
    this.known.set(bytes, address);
    return address;
  }
}

function asBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = bytes;
  if (!(buffer instanceof ArrayBuffer)) throw new TypeError("shared memory can't be sent from");
  return new Uint8Array(buffer, byteOffset, length);
}
