/**
 * The clock and the ways to run something later, as `forward/` uses them. The runtime's event loop is behind them in the
 * program, and a simulated one in tests.
 *
 * @module
 */

/** Tells the time, and runs functions later. */
export interface Scheduler {
  /** The time in ms, from a clock that never goes back. */
  now(): number;
  /** Calls `run` after all events that wait already. */
  defer(run: () => void): void;
  /** Calls `run` in `delay` ms or soon after. It can't be taken back. */
  after(delay: number, run: () => void): void;
}
