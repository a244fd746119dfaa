/**
 * The program's event loop, as `forward/` sees it, so that tests can do without one.
 *
 * @module
 */

/** The clock, and ways to run something later. */
export interface Scheduler {
  /** The time in ms, from a clock that doesn't go back. */
  now(): number;
  /** Calls `run` after what waits already. */
  defer(run: () => void): void;
  /** Calls `run` in `delay` ms or soon after. There is no way to take it back. */
  after(delay: number, run: () => void): void;
}
