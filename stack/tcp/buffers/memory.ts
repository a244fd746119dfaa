/**
 * The memory of all connections' buffers: pooled blocks of three sizes, and a count of what is in use, so that all of
 * them together stay within a bound. See {@linkcode BufferMemory.pressed}.
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

/** Unused blocks that are kept, per size: at most 8 MiB of each. */
const SPARE_BYTES = 8 * 1024 * 1024;

/** The pools of blocks for all connections' buffers, and the count of what is in use. */
export class BufferMemory {
  /** Bytes of blocks and frames in use. */
  inUse = 0;
  /** Those of them that hold data which came too early. */
  early = 0;
  /** Segments in order that were dropped for want of memory, and out of order ones for want of room for such. */
  refused = 0;
  earlyRefused = 0;
  private readonly spare: Block[][] = SIZES.map(() => []);

  /**
   * @param softLimit bytes in use above which buffers shrink
   * @param earlyLimit bytes in use for data that came too early, at most
   */
  constructor(
    private readonly allocate: Allocate,
    private readonly frames: FramePool,
    private readonly softLimit: number,
    private readonly earlyLimit: number = DEFAULT_TCP_LIMITS.outOfOrderBytes,
  ) {}

  /** Whether one more piece that came too early may be kept. */
  get hasRoomForEarly(): boolean {
    return this.early < this.earlyLimit && !this.pressed;
  }

  /** Whether more than the soft limit is in use: a buffer's limit is `PRESSED_BUFFER` then. */
  get pressed(): boolean {
    return this.inUse > this.softLimit;
  }

  /** Whether twice the soft limit is in use: data for a buffer that holds `PRESSED_BUFFER` or more is dropped then. */
  get exhausted(): boolean {
    return this.inUse > 2 * this.softLimit;
  }

  /** A buffer's limit, `limit` unless memory is short. */
  allowance(limit: number): number {
    return this.pressed ? Math.min(limit, PRESSED_BUFFER) : limit;
  }

  /** A block of the smallest size that holds `wanted` bytes, or of the largest. Its bytes are what they were. */
  take(wanted: number): Block {
    const index = wanted <= SMALL_BLOCK ? 0 : wanted <= LARGE_BLOCK ? 1 : 2;
    this.inUse += SIZES[index];
    return this.spare[index].pop() ?? this.allocate(SIZES[index]);
  }

  /** Gives a block back. The caller must not use it again. */
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

  /** No longer counts a block that an operation of the host may still touch: the garbage collector takes it. */
  forget(block: Block): void {
    this.inUse -= block.bytes.length;
  }

  /** Counts a frame that is kept. */
  hold(frame: Frame): void {
    frame.held = true;
    this.inUse += FRAME_SIZE;
  }

  /** Gives a kept frame back. */
  releaseFrame(frame: Frame): void {
    this.inUse -= FRAME_SIZE;
    this.frames.release(frame);
  }

  /** Like {@linkcode forget}, for a frame. */
  forgetFrame(_frame: Frame): void {
    this.inUse -= FRAME_SIZE;
    this.frames.taken--;
  }
}
