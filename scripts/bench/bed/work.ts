/**
 * What a piece of work is: it takes a sample on one guest, and a sample is one number or several.
 *
 * @module
 */
import type { Seat } from "./bed.ts";

/** A number that a sample yields: a row of the report. */
export interface Figure {
  /** What `--only`, the targets and the chart call it. */
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  /** Whether it is better to have more of it or less. */
  readonly better: "more" | "less";
}

/** A measurement. */
export interface Work {
  /** What `--only` selects it by; its figures' ids begin with it. */
  readonly id: string;
  /** Of the guest's device. */
  readonly mtu: number;
  readonly figures: readonly Figure[];
  /** Of how many rounds it takes part, and how long a sample is, in seconds. */
  readonly rounds: number;
  readonly seconds: number;
  /**
   * Takes a sample: a value for each figure, in their order; null where the peer has no such thing. Throws an Error that
   * says why when the peer can't do it.
   */
  sample(seat: Seat, seconds: number): Promise<readonly (number | null)[]>;
}
