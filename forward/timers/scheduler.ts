/**
 * The clock and the delayed calls that `forward/` uses. The program runs them on the runtime's event loop, tests on a
 * simulated one.
 *
 * @module
 */

/** Tells the time, and runs functions later. */
export interface Scheduler {
  /** The time in ms, from a clock that never goes back. */
  now(): number;
  /** Calls `run` after all events that are already waiting. */
  defer(run: () => void): void;
  /** Calls `run` in `delay` ms or soon after. The call can't be cancelled. */
  after(delay: number, run: () => void): void;
}
