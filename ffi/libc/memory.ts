/**
 * Memory with a known machine address, for system calls that take addresses in structures (`struct iovec`) or into
 * the middle of a buffer.
 *
 * A typed array of at most 64 bytes may lie in V8's heap, where the garbage collector moves it. An ArrayBuffer that was
 * created explicitly lies outside of the heap, and does not move as long as it is reachable. A {@linkcode MachineBlock}
 * keeps its buffer reachable. The caller of a system call must keep the block until the call returns.
 *
 * @module
 */
import type { Allocate, Block } from "../../stack/base/device.ts";

/** A {@linkcode Block} with a real machine address. */
export class MachineBlock implements Block {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Exact as a Number: the kernel gives addresses above 2^47 or 2^48 only to programs that request them. */
  readonly address: number;
  private readonly base: Deno.PointerObject;
  private readonly pointers: Deno.PointerObject[] = [];

  /** Allocates `size` zeroed bytes. Throws a RangeError unless `size` is positive. */
  constructor(size: number) {
    if (!(size > 0)) throw new RangeError(`a block of ${size} bytes`);
    this.bytes = new Uint8Array(new ArrayBuffer(size));
    const base = Deno.UnsafePointer.of(this.bytes);
    if (base === null) throw new Error("memory without an address");
    this.base = base;
    this.address = Number(Deno.UnsafePointer.value(base));
    if (!Number.isSafeInteger(this.address)) throw new RangeError(`an address of more than 53 bits: ${this.address}`);
  }

  /** The address of `bytes[offset]` as a `pointer` parameter. Each offset's pointer is kept, so use few offsets. */
  pointerAt(offset: number): Deno.PointerObject {
    return this.pointers[offset] ?? this.makePointer(offset);
  }

  private makePointer(offset: number): Deno.PointerObject {
    if (offset < 0 || offset >= this.bytes.length) throw new RangeError(`offset ${offset} of ${this.bytes.length}`);
    const pointer = Deno.UnsafePointer.offset(this.base, offset);
    if (pointer === null) throw new Error("memory without an address");
    return this.pointers[offset] = pointer;
  }
}

/** Makes a block with a machine address; needs `--allow-ffi`. */
export const allocate: Allocate = (size) => new MachineBlock(size);

/** The pointer to `block.bytes[offset]`. Throws a TypeError unless the block is a {@linkcode MachineBlock}. */
export function pointerInto(block: Block, offset: number): Deno.PointerObject {
  if (block instanceof MachineBlock) return block.pointerAt(offset);
  throw new TypeError("a system call needs memory with a machine address");
}
