/**
 * Giving memory back when many connections have ended.
 *
 * What a connection leaves behind is garbage, and the runtime looks for garbage when memory is asked for. A program whose
 * connections have all ended asks for none: it would keep what ten thousand of them took until the next rush. So when few
 * are left of many, and it stays so for a while, the memory is given back, once.
 *
 *     many: 1,024 or more at once, since the last time
 *     few: a quarter of the most
 *     a while: 3 s, and 10 s after the last time
 *
 * This holds up all that is alive, for some 20 ms and as long again for each two thousand connections that are left. So it
 * is not done while there are many; and where there never were, it is not done at all. There is no timer but in that while.
 *
 * @module
 */
import type { EventLoop } from "./event_loop.ts";
import { LEAST_PEAK, RECLAIM_DELAY_MS, RECLAIM_REST_MS, RECLAIM_SHARE } from "./limits.ts";

/** See the module's text. */
export class Reclaim {
  /** The most at once since the last time. */
  private peak = 0;
  private waiting = false;
  private lastAt = -Infinity;

  /**
   * @param live how many there are: connections, or whatever takes memory like these
   * @param reclaim gives back what is not used any more
   */
  constructor(
    private readonly loop: EventLoop,
    private readonly live: () => number,
    private readonly reclaim: () => void,
  ) {}

  /** One has ended, and is not among those that {@linkcode Reclaim.live} counts. */
  ended(): void {
    const live = this.live();
    if (live >= this.peak) this.peak = live + 1; // it was there a moment ago
    if (!this.waiting && this.fewOfMany(live)) this.wait(RECLAIM_DELAY_MS);
  }

  private fewOfMany(live: number): boolean {
    return this.peak >= LEAST_PEAK && live <= this.peak * RECLAIM_SHARE;
  }

  private wait(delay: number): void {
    this.waiting = true;
    this.loop.after(delay, this.look);
  }

  private readonly look = (): void => {
    this.waiting = false;
    const live = this.live();
    if (!this.fewOfMany(live)) return; // they have come back
    const now = this.loop.now();
    const rest = this.lastAt + RECLAIM_REST_MS - now;
    if (rest > 0) return this.wait(rest);
    this.lastAt = now;
    this.peak = live;
    this.reclaim();
  };
}
