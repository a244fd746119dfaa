/**
 * Gives memory back when a crowd of connections has ended.
 *
 * A connection leaves garbage behind, and the runtime collects garbage only when the program allocates. A program whose
 * connections have all ended does not allocate: it would keep the memory of ten thousand connections until the next rush.
 * So the memory is given back once, when few of many connections are left.
 *
 *     many: 1,024 or more at once since the last time
 *     few:  a quarter of the most
 *     when: their number has not fallen for a quarter of a second, or few have been left for 3 s; and at least 10 s after
 *           the last time
 *
 * This stops all traffic for some 45 ms, and 10 ms more for each thousand connections that are left. So it is not done
 * while there are many, and never in a program that had few. There is a timer only while few are left and it is not done.
 *
 * @module
 */
import type { Scheduler } from "../timers/scheduler.ts";
import { LEAST_PEAK, RECLAIM_SHARE } from "../limits/limits.ts";
import { RECLAIM_PATIENCE_MS, RECLAIM_QUIET_MS, RECLAIM_REST_MS } from "../limits/timeouts.ts";

/** Watches the number of connections. */
export class CrowdReclaim {
  /** The most connections at once since the last time. */
  private peak = 0;
  private waiting = false;
  /** The time since when few are left, and their number at the last check. */
  private since = 0;
  private seen = 0;
  private lastAt = -Infinity;

  /**
   * @param live returns the number of connections and associations
   * @param reclaim gives unused memory back to the system
   */
  constructor(
    private readonly scheduler: Scheduler,
    private readonly live: () => number,
    private readonly reclaim: () => void,
  ) {}

  /** A connection has ended, and `live` does not count it any more. */
  ended(): void {
    const live = this.live();
    if (live >= this.peak) this.peak = live + 1; // it was there a moment ago
    if (this.waiting || !this.fewOfMany(live)) return;
    this.since = this.scheduler.now();
    this.seen = live;
    this.wait(RECLAIM_QUIET_MS);
  }

  private fewOfMany(live: number): boolean {
    return this.peak >= LEAST_PEAK && live <= this.peak * RECLAIM_SHARE;
  }

  private wait(delay: number): void {
    this.waiting = true;
    this.scheduler.after(delay, this.look);
  }

  private readonly look = (): void => {
    this.waiting = false;
    const live = this.live();
    if (!this.fewOfMany(live)) return; // they have come back
    const now = this.scheduler.now();
    if (live < this.seen && now - this.since < RECLAIM_PATIENCE_MS) {
      this.seen = live;
      return this.wait(RECLAIM_QUIET_MS);
    }
    const rest = this.lastAt + RECLAIM_REST_MS - now;
    if (rest > 0) return this.wait(rest);
    this.lastAt = now;
    this.peak = live;
    this.reclaim();
  };
}
