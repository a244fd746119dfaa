/**
 * The memory of all connections' buffers: pooled blocks of three sizes, and a count of the bytes in use, by which the
 * buffers shrink when memory is short ({@linkcode BufferMemory.pressed}).
 *
 * @module
 */
import { type Allocate, type Block, type Frame, FRAME_SIZE, type FramePool } from "../../base/device.ts";
import { DEFAULT_TCP_LIMITS, PRESSED_BUFFER } from "../numbers/constants.ts";

/** Block sizes: a request or an answer; a large segment; a bulk read from the host. */
export const SMALL_BLOCK = 4 * 1024;
export const LARGE_BLOCK = 64 * 1024;
export const BULK_BLOCK = 256 * 1024;

const SIZES = [SMALL_BLOCK, LARGE_BLOCK, BULK_BLOCK] as const;

/** The most bytes of unused blocks to keep, for each size. */
const SPARE_BYTES = 8 * 1024 * 1024;

/** The pools of blocks for all connections' buffers, and the count of bytes in use. */
export class BufferMemory {
  /** Bytes of blocks and frames in use. */
  inUse = 0;
  /** Of these, bytes with out-of-order data. */
  early = 0;
  /** Segments that were dropped: in order because memory was short, or out of order because their room was full. */
  refused = 0;
  earlyRefused = 0;
  private readonly spare: Block[][] = SIZES.map(() => []);

  /**
   * @param softLimit bytes in use above which buffers shrink
   * @param earlyLimit the most bytes in use for out-of-order data
   */
  constructor(
    private readonly allocate: Allocate,
    private readonly frames: FramePool,
    private readonly softLimit: number,
    private readonly earlyLimit: number = DEFAULT_TCP_LIMITS.outOfOrderBytes,
  ) {}

  /** Whether one more out-of-order piece may be kept. */
  get hasRoomForEarly(): boolean {
    return this.early < this.earlyLimit && !this.pressed;
  }

  /** Whether more than the soft limit is in use. Then a buffer's limit is `PRESSED_BUFFER`. */
  get pressed(): boolean {
    return this.inUse > this.softLimit;
  }

  /** Whether twice the soft limit is in use. Then data for a buffer with `PRESSED_BUFFER` bytes or more is dropped. */
  get exhausted(): boolean {
    return this.inUse > 2 * this.softLimit;
  }

  /** A buffer's limit: `limit`, unless memory is short. */
  allowance(limit: number): number {
    return this.pressed ? Math.min(limit, PRESSED_BUFFER) : limit;
  }

  /** A block of the smallest size with room for `wanted` bytes, or of the largest size. Its bytes are not cleared. */
  take(wanted: number): Block {
    const index = wanted <= SMALL_BLOCK ? 0 : wanted <= LARGE_BLOCK ? 1 : 2;
    this.inUse += SIZES[index];
    return this.spare[index].pop() ?? this.allocate(SIZES[index]);
  }

  /** Returns a block to its pool. The caller must not use it again. */
  release(block: Block): void {
    this.forget(block);
    const size = block.bytes.length;
    const spare = this.spare[size === SMALL_BLOCK ? 0 : size === LARGE_BLOCK ? 1 : 2];
    if ((spare.length + 1) * size <= SPARE_BYTES) spare.push(block);
  }

  /** Leaves all unused blocks to the garbage collector. */
  dropSpare(): void {
    for (const blocks of this.spare) blocks.length = 0;
  }

  /** Stops counting a block that an operation of the host may still use. It is left to the garbage collector. */
  forget(block: Block): void {
    this.inUse -= block.bytes.length;
  }

  /** Holds a frame, and counts it. */
  hold(frame: Frame): void {
    frame.held = true;
    this.inUse += FRAME_SIZE;
  }

  /** Returns a held frame to its pool. */
  releaseFrame(frame: Frame): void {
    this.inUse -= FRAME_SIZE;
    this.frames.release(frame);
  }

  /** As {@linkcode forget}, for a frame. */
  forgetFrame(_frame: Frame): void {
    this.inUse -= FRAME_SIZE;
    this.frames.taken--;
  }
}
