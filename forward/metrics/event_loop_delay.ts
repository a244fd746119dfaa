/**
 * How long events wait for their turn: how late a timer comes that is set each second. One wake-up a second is all that
 * it costs, and it does not keep the process going. (node:perf_hooks has a monitorEventLoopDelay, but on Deno it tells
 * nanoseconds of something else.)
 *
 * @module
 */
import type { HistogramFigures } from "./exposition.ts";

const INTERVAL_MS = 1000;

/** In seconds. A timer of an idle process comes up to 2 ms late: that is the runtime's granularity. */
const BOUNDS: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

/** A histogram of how late a timer fires that is set each second. Starts at once. */
export class EventLoopDelay implements HistogramFigures {
  readonly bounds: readonly number[] = BOUNDS;
  readonly counts: Float64Array = new Float64Array(BOUNDS.length + 1);
  sum = 0;
  private due = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.arm();
  }

  /** Measures no more. */
  stop(): void {
    clearTimeout(this.timer);
  }

  /** Counts a delay in seconds. */
  observe(seconds: number): void {
    let bucket = 0;
    while (bucket < BOUNDS.length && seconds > BOUNDS[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.sum += seconds;
  }

  private arm(): void {
    this.due = performance.now() + INTERVAL_MS;
    const timer = this.timer = setTimeout(this.fire, INTERVAL_MS);
    Deno.unrefTimer(timer);
  }

  private readonly fire = (): void => {
    this.observe(Math.max(0, performance.now() - this.due) / 1000);
    this.arm();
  };
}
