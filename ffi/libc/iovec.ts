/**
 * `struct iovec` (bits/types/struct_iovec.h): an address and a length of 64 bits each. With an array of them, one
 * system call writes or reads several pieces of memory without copying them together.
 *
 * @module
 */
import { MAX_PARTS, type Transmit } from "../../stack/base/device.ts";
import { MachineBlock } from "./memory.ts";

/** Bytes of a `struct iovec`. */
export const IOVEC_SIZE = 16;
/** 32-bit words of a `struct iovec`. */
const IOVEC_WORDS = 4;

/** Memory for the entries of a frame: one for its headers, one for each part, and `more` others. */
export function iovecBlock(more = 0): MachineBlock {
  return new MachineBlock((1 + MAX_PARTS + more) * IOVEC_SIZE);
}

/** Sets the entry with that index. `length` is below 2^32. */
export function setIovec(iovec: Uint32Array, index: number, address: number, length: number): void {
  const at = index * IOVEC_WORDS;
  iovec[at] = address; // keeps the lower 32 bits
  iovec[at + 1] = address / 0x1_0000_0000;
  iovec[at + 2] = length;
  iovec[at + 3] = 0;
}

/**
 * Sets the entries from `index` on to a frame's headers, from offset `start` of the head, and its payload.
 *
 * @returns the index after the last entry
 */
export function gatherFrame(iovec: Uint32Array, index: number, frame: Transmit, start: number): number {
  const { head, partCount } = frame;
  setIovec(iovec, index, head.address + start, frame.headEnd - start);
  for (let i = 0; i < partCount; i++) {
    setIovec(iovec, index + 1 + i, frame.partBlocks[i].address + frame.partOffsets[i], frame.partLengths[i]);
  }
  return index + 1 + partCount;
}
