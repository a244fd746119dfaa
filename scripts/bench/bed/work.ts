/**
 * A piece of work: it takes a sample on one guest, and a sample is one number or several.
 *
 * @module
 */
import type { Seat } from "./bed.ts";

/** A number in a sample: a row of the report. */
export interface Figure {
  /** Its name in `--only`, the targets and the chart. */
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  /** Whether more of it or less is better. */
  readonly better: "more" | "less";
}

/** A measurement. */
export interface Work {
  /** Its name in `--only`. The ids of its figures begin with it. */
  readonly id: string;
  /** The MTU of the guest's device. */
  readonly mtu: number;
  readonly figures: readonly Figure[];
  /** The number of rounds that include it, and the length of a sample in seconds. */
  readonly rounds: number;
  readonly seconds: number;
  /**
   * Takes a sample: a value for each figure, in their order; null where the peer has no such value. Throws an Error
   * with the reason when the peer can't do the work.
   */
  sample(seat: Seat, seconds: number): Promise<readonly (number | null)[]>;
}
