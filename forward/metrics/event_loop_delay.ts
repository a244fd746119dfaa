/**
 * Measures how long events wait for their turn, as the lateness of a timer that is set each second. It costs one wake-up a
 * second, and does not keep the process alive. (monitorEventLoopDelay of node:perf_hooks measures something else on
 * Deno.)
 *
 * @module
 */
import type { HistogramFigures } from "./exposition.ts";

const INTERVAL_MS = 1000;

/** In seconds. A timer of an idle process fires up to 2 ms late: that is the runtime's granularity. */
const BOUNDS: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

/** A histogram of the lateness of a timer that is set each second. Starts at once. */
export class EventLoopDelay implements HistogramFigures {
  readonly bounds: readonly number[] = BOUNDS;
  readonly counts: Float64Array = new Float64Array(BOUNDS.length + 1);
  sum = 0;
  private due = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.arm();
  }

  /** Stops measuring. */
  stop(): void {
    clearTimeout(this.timer);
  }

  /** Counts a delay in seconds. */
  observe(seconds: number): void {
    let bucket = 0;
    while (bucket < BOUNDS.length && seconds > BOUNDS[bucket]) bucket++;
    this.counts[bucket]++;
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
