/**
 * The runtime's event loop as an {@linkcode EventLoop}, and the stack's alarm clock.
 *
 * One timer wakes the stack. It is set again only when the stack wants to be woken earlier than it is set for: deadlines
 * that move away, as those of a busy connection do with every segment, cost one idle wake-up and no more.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { EventLoop } from "./event_loop.ts";

/** What has deadlines: the stack. */
export interface Wakeable {
  /** When {@linkcode advance} is wanted next, by the loop's clock; Infinity: not at all. */
  readonly nextDeadline: number;
  /** Runs the timers that are due. */
  advance(): void;
  /** Ends the turn. */
  flush(): void;
}

/** An event loop that wakes a stack. */
export interface WakingLoop extends EventLoop {
  /** From now on wakes this stack. */
  drive(stack: Wakeable): void;
  /** Wakes it no more. */
  stop(): void;
}

/** The longest time that timers of the runtime can wait (2^31 - 1 ms). */
const MAX_DELAY = 0x7fff_ffff;

/** See the module's text. */
export class StackLoop implements WakingLoop {
  private stack: Wakeable | null = null;
  /** When the timer is going to fire. */
  private setFor = Infinity;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param defer what {@linkcode StackLoop.defer} does; setImmediate unless given
   * @param now its clock; performance.now() unless given, which is what a deadline is measured by
   */
  constructor(
    readonly defer: (run: () => void) => void = (run) => void setImmediate(run),
    readonly now: () => number = () => performance.now(),
  ) {}

  drive(stack: Wakeable): void {
    this.stack = stack;
    this.settle();
  }

  stop(): void {
    this.stack = null;
    this.setFor = Infinity;
    clearTimeout(this.timer);
  }

  settle(): void {
    const deadline = this.stack?.nextDeadline ?? Infinity;
    if (deadline >= this.setFor) return;
    clearTimeout(this.timer);
    this.setFor = deadline;
    const delay = Math.min(Math.max(Math.ceil(deadline - performance.now()), 0), MAX_DELAY);
    this.timer = setTimeout(this.wake, delay);
  }

  after(delay: number, run: () => void): void {
    setTimeout(run, delay);
  }

  private readonly wake = (): void => {
    this.setFor = Infinity;
    this.stack?.advance();
    this.stack?.flush();
    this.settle();
  };
}
