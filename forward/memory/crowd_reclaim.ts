/**
 * Giving memory back when many connections have ended.
 *
 * What a connection leaves behind is garbage, and the runtime looks for garbage when memory is asked for. A program whose
 * connections have all ended asks for none: it would keep what ten thousand of them took until the next rush. So when few
 * are left of many, the memory is given back, once.
 *
 *     many: 1,024 or more at once, since the last time
 *     few: a quarter of the most
 *     when: they have not become fewer for a quarter of a second, or it has been so for 3 s; 10 s after the last time
 *
 * This holds up all that is alive, for some 45 ms, and 10 more for each thousand connections that are left. So it is not
 * done while there are many; and where there never were, it is not done at all. There is no timer but between "few are
 * left" and then.
 *
 * @module
 */
import type { Scheduler } from "../timers/scheduler.ts";
import { LEAST_PEAK, RECLAIM_SHARE } from "../limits/limits.ts";
import { RECLAIM_PATIENCE_MS, RECLAIM_QUIET_MS, RECLAIM_REST_MS } from "../limits/timeouts.ts";

/** See the module's text. */
export class CrowdReclaim {
  /** The most at once since the last time. */
  private peak = 0;
  private waiting = false;
  /** Since when it has been waiting for them to become no fewer, and how many there were at the last look. */
  private since = 0;
  private seen = 0;
  private lastAt = -Infinity;

  /**
   * @param live how many there are: connections, or whatever takes memory like these
   * @param reclaim gives back what is not used any more
   */
  constructor(
    private readonly scheduler: Scheduler,
    private readonly live: () => number,
    private readonly reclaim: () => void,
  ) {}

  /** One has ended, and is not among those that {@linkcode CrowdReclaim.live} counts. */
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
