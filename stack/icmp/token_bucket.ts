/**
 * A rate limit that allows bursts: a bucket of tokens that fills at a steady rate; each event takes one.
 *
 * @module
 */

/** Allows a number of events per second, and a burst. */
export class TokenBucket {
  private tokens: number;
  private filledAt = 0;
  /** Tokens taken since `since`, which is at most a second ago when one is taken. */
  private taken = 0;
  private since = -Infinity;

  /**
   * @param rate tokens per second
   * @param burst the bucket's size; it starts full
   */
  constructor(private readonly rate: number, private readonly burst: number) {
    this.tokens = burst;
  }

  /** Takes a token if there is one. `now` is in ms and never goes back. */
  take(now: number): boolean {
    this.tokens = Math.min(this.burst, this.tokens + (now - this.filledAt) * this.rate / 1000);
    this.filledAt = now;
    if (this.tokens < 1) return false;
    this.tokens--;
    if (now - this.since >= 1000) {
      this.since = now;
      this.taken = 0;
    }
    this.taken++;
    return true;
  }

  /** The number of tokens taken in the second of `now`, counting seconds from the first token. */
  recent(now: number): number {
    return now - this.since < 1000 ? this.taken : 0;
  }
}
