/**
 * The program's event loop, as `forward/` sees it, so that tests can do without one.
 *
 * The stack has no clock: it has to be told the time before it is called, and may want to be woken earlier afterwards.
 * So everything that comes from outside the stack (the host's sockets, timers) and may call into it does that inside a
 * turn.
 *
 * @module
 */

/** See the module's text. */
export interface EventLoop {
  /** The time in ms, from a clock that doesn't go back. */
  now(): number;
  /** Starts a turn: the stack learns the time. Turns don't nest; what the stack itself calls is inside one already. */
  begin(): void;
  /** Ends it: looks at when the stack wants to be woken. */
  end(): void;
  /** Calls `run`, outside of any turn, after what waits already. */
  defer(run: () => void): void;
  /** Calls `run`, outside of any turn, in `delay` ms or soon after. There is no way to take it back. */
  after(delay: number, run: () => void): void;
}
