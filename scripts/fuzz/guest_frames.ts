/**
 * The guest's frames in a run of the fuzzer: hostile ones, large segments, and repetitions of earlier frames.
 *
 * @module
 */
import { type Frame, IP_HEADER_AT, type Transmit } from "../../stack/base/device.ts";
import { Generator, type Random } from "./frames.ts";

/** A frame that the guest sent. */
interface Kept {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly checksumTrusted: boolean;
  readonly segmentSize: number;
}

/** The number of kept frames, which may be repeated. */
const KEPT = 32;

/** Writes the guest's frames. */
export class GuestFrames {
  private readonly generator: Generator;
  private readonly kept: Kept[] = [];
  private written = 0;

  /**
   * @param linkHeader the length of the medium's header, 14 for Ethernet
   * @param packets correct IP packets, of which mutants are made
   */
  constructor(private readonly random: Random, linkHeader: number, packets: readonly Uint8Array[]) {
    this.generator = new Generator(random, linkHeader, packets);
  }

  /** Remembers a frame from the stack, for segments that fit its connections. */
  hear(transmit: Transmit): void {
    this.generator.hear(transmit);
  }

  /** Writes the next frame: a new one, or a kept one, repeated or changed. */
  write(frame: Frame): void {
    const { random, kept } = this;
    if (kept.length === KEPT && random.below(12) === 0) {
      const { bytes, start, checksumTrusted, segmentSize } = random.of(kept);
      frame.bytes.set(bytes, start);
      Object.assign(frame, { start, end: start + bytes.length, checksumTrusted, segmentSize });
      if (random.below(2) === 0 && bytes.length > 0) {
        frame.bytes[start + random.below(Math.min(bytes.length, 80))] ^= 1 << random.below(8);
      }
    } else {
      this.generator.write(frame);
      if (random.below(32) === 0 && frame.segmentSize === 0) this.enlarge(frame);
    }
    const { start, end, checksumTrusted, segmentSize } = frame;
    const index = kept.length < KEPT ? kept.length : random.below(KEPT);
    if (this.written++ % 4 === 0) {
      kept[index] = { bytes: frame.bytes.slice(start, end), start, checksumTrusted, segmentSize };
    }
  }

  /** The newest of the kept frames, as hex, the newest last. */
  latest(): string[] {
    return this.kept.slice(-4).map(({ bytes }) =>
      Array.from(bytes.subarray(0, 200), (byte) => byte.toString(16).padStart(2, "0")).join("")
    );
  }

  /** Makes a large segment, like one from a kernel with segmentation offload. */
  private enlarge(frame: Frame): void {
    const { bytes, end } = frame;
    const four = bytes[IP_HEADER_AT] >> 4 === 4;
    const length = end - IP_HEADER_AT + this.random.below(60_000);
    if (length > 65_000) return;
    frame.end = IP_HEADER_AT + length;
    const field = IP_HEADER_AT + (four ? 2 : 4);
    const value = four ? length : Math.max(0, length - 40);
    bytes[field] = value >> 8;
    bytes[field + 1] = value;
    frame.checksumTrusted = true;
    frame.segmentSize = 1400;
  }
}
