/**
 * The runtime's event loop as a {@linkcode Scheduler} that also wakes the stack. It reads no frames.
 *
 * One timer wakes the stack. The stack itself reports when its earliest deadline becomes earlier, so its callers need not
 * do that. The timer is set again only if the stack wants to be woken earlier than the timer is set for. A deadline that
 * moves later, as that of a busy connection does with every segment, costs one idle wake-up and no more.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { Scheduler } from "./scheduler.ts";

/** The stack, as the scheduler sees it. */
export interface Wakeable {
  /** When to call {@linkcode advance} next, by the scheduler's clock; Infinity: never. */
  readonly nextDeadline: number;
  /** Set by the scheduler, and called by the stack whenever {@linkcode nextDeadline} has become earlier. */
  set onEarlier(told: ((deadline: number) => void) | null);
  /** Runs the timers that are due. */
  advance(): void;
  /** Ends the turn. */
  flush(): void;
}

/** A scheduler that wakes a stack. */
export interface WakingScheduler extends Scheduler {
  /** Wakes this stack from now on. */
  drive(stack: Wakeable): void;
  /** Wakes no stack any more. */
  stop(): void;
}

/** The longest time that timers of the runtime can wait (2^31 - 1 ms). */
const MAX_DELAY = 0x7fff_ffff;

/** Wakes one stack at its deadlines, by a timer of the runtime. */
export class StackScheduler implements WakingScheduler {
  private stack: Wakeable | null = null;
  /** When the timer fires. */
  private setFor = Infinity;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param defer the work of {@linkcode StackScheduler.defer}; setImmediate unless given
   * @param now the clock of the deadlines; performance.now() unless given
   */
  constructor(
    readonly defer: (run: () => void) => void = (run) => void setImmediate(run),
    readonly now: () => number = () => performance.now(),
  ) {}

  drive(stack: Wakeable): void {
    this.stack = stack;
    stack.onEarlier = this.wakeAt;
    this.wakeAt(stack.nextDeadline);
  }

  stop(): void {
    if (this.stack !== null) this.stack.onEarlier = null;
    this.stack = null;
    this.setFor = Infinity;
    clearTimeout(this.timer);
  }

  after(delay: number, run: () => void): void {
    setTimeout(run, delay);
  }

  private readonly wakeAt = (deadline: number): void => {
    if (deadline >= this.setFor) return;
    clearTimeout(this.timer);
    this.setFor = deadline;
    const delay = Math.min(Math.max(Math.ceil(deadline - performance.now()), 0), MAX_DELAY);
    this.timer = setTimeout(this.wake, delay);
  };

  private readonly wake = (): void => {
    const { stack } = this;
    if (stack === null) return;
    this.setFor = -Infinity; // timers that fire schedule others: the timer is set once, for the earliest of all
    stack.advance();
    stack.flush();
    this.setFor = Infinity;
    if (this.stack !== null) this.wakeAt(stack.nextDeadline);
  };
}
