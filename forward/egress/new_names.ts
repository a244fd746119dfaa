/**
 * A limit on new names a minute, for names that only a wildcard allows.
 *
 * @module
 */
import type { Usage } from "../../stack/base/usage.ts";

const MINUTE_MS = 60_000;

/** Counts new names, minute by minute. */
export class NewNames {
  private since = -Infinity;
  private taken = 0;
  private refused = 0;

  constructor(private readonly limit: number) {}

  /** Counts one if there is room. `now` is in ms and never goes back. */
  take(now: number): boolean {
    if (now - this.since >= MINUTE_MS) {
      this.since = now;
      this.taken = 0;
    }
    if (this.taken >= this.limit) {
      this.refused++;
      return false;
    }
    this.taken++;
    return true;
  }

  /** The number of new names in this minute, and of those that were refused. */
  get usage(): Usage {
    return { current: this.taken, limit: this.limit, overflows: this.refused };
  }
}
