/**
 * The program's event loop, as `forward/` sees it, so that tests can do without one.
 *
 * @module
 */

/** See the module's text. */
export interface EventLoop {
  /** The time in ms, from a clock that doesn't go back. */
  now(): number;
  /**
   * Must be called after everything that has called into the stack and was not called by it (events of the host's
   * sockets, timers): the stack may want to be woken earlier than before.
   */
  settle(): void;
  /** Calls `run` after what waits already. */
  defer(run: () => void): void;
  /** Calls `run` in `delay` ms or soon after. There is no way to take it back. */
  after(delay: number, run: () => void): void;
}
