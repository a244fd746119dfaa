/**
 * The retransmission timeout, computed from measured round trips (RFC 6298).
 *
 * @module
 */
import { CLOCK_GRANULARITY, INITIAL_RTO, MAX_RTO, MIN_RTO } from "../numbers/constants.ts";

/** Smoothed round-trip time and its variation, in milliseconds. */
export class RoundTripTime {
  /** The smoothed round-trip time; -1 before the first measurement. */
  smoothed = -1;
  private variation = 0;
  private base = INITIAL_RTO;
  private backoffs = 0;

  /** The retransmission timeout now, with backoff. */
  get timeout(): number {
    return Math.min(MAX_RTO, this.base * (1 << this.backoffs));
  }

  /**
   * Adds a measurement (section 2) and ends the backoff. Retransmitted data is not measured, and the backoff stays
   * until there is a measurement (Karn's algorithm, sections 3 and 5).
   */
  measure(sample: number): void {
    if (this.smoothed < 0) {
      this.smoothed = sample;
      this.variation = sample / 2;
    } else {
      this.variation += (Math.abs(this.smoothed - sample) - this.variation) / 4;
      this.smoothed += (sample - this.smoothed) / 8;
    }
    this.base = Math.min(MAX_RTO, Math.max(MIN_RTO, this.smoothed + Math.max(CLOCK_GRANULARITY, 4 * this.variation)));
    this.backoffs = 0;
  }

  /** Doubles the timeout, because the timer has expired (rule 5.5). */
  backOff(): void {
    if (this.backoffs < 16) this.backoffs++;
  }
}
