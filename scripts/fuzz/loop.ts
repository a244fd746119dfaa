/**
 * The program's event loop with a simulated clock. The stack is woken as in the program, only at the deadlines that it
 * reports, so a deadline that it does not report shows.
 *
 * @module
 */
import type { Wakeable, WakingScheduler } from "../../forward/timers/stack_scheduler.ts";

/** An event loop whose time advances only on demand. */
export class SimulatedLoop implements WakingScheduler {
  time = 1_000;
  private stack: Wakeable | null = null;
  private setFor = Infinity;
  private readonly deferred: (() => void)[] = [];
  private readonly timers: { readonly at: number; readonly run: () => void }[] = [];

  drive(stack: Wakeable): void {
    this.stack = stack;
    stack.onEarlier = this.wakeAt;
    this.wakeAt(stack.nextDeadline);
  }

  stop(): void {
    if (this.stack !== null) this.stack.onEarlier = null;
    this.stack = null;
    this.setFor = Infinity;
  }

  now(): number {
    return this.time;
  }

  defer(run: () => void): void {
    this.deferred.push(run);
  }

  after(delay: number, run: () => void): void {
    const at = this.time + delay;
    let index = this.timers.length;
    while (index > 0 && this.timers[index - 1].at > at) index--;
    this.timers.splice(index, 0, { at, run });
  }

  /** Runs the functions that were deferred so far. */
  runDeferred(): void {
    for (const run of this.deferred.splice(0)) run();
  }

  /** The time of the next scheduled event; Infinity: there is none. */
  get next(): number {
    return this.deferred.length > 0 ? this.time : Math.min(this.setFor, this.timers[0]?.at ?? Infinity);
  }

  /** Advances to the next scheduled event and lets it happen. Throws when the stack makes no progress. */
  step(): void {
    this.time = Math.max(this.time, this.next);
    this.runDeferred();
    while (this.timers.length > 0 && this.timers[0].at <= this.time) this.timers.shift()!.run();
    if (this.setFor > this.time) return;
    this.setFor = Infinity;
    this.stack?.advance();
    this.stack?.flush();
    if (this.stack !== null && this.stack.nextDeadline <= this.time) throw new Error("a timer that is always due");
    this.wakeAt(this.stack?.nextDeadline ?? Infinity);
  }

  private readonly wakeAt = (deadline: number): void => {
    this.setFor = Math.min(this.setFor, deadline);
  };
}
