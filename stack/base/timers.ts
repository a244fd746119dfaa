/**
 * The stack's timers: a binary heap by deadline. The stack has no clock. Its owner is told when the earliest deadline
 * has become earlier, and calls {@linkcode TimerQueue.run} with the time.
 *
 * @module
 */
import type { Timer, Timers } from "./layers.ts";

/** A queue of {@linkcode Timer}s; scheduling, cancelling and running cost O(log n). */
export class TimerQueue implements Timers {
  /**
   * Called with the earliest deadline when it has become earlier, before the call that changed it returns. It is not
   * called when the deadline becomes later: an owner that wakes too early finds nothing due.
   */
  onEarlier: ((deadline: number) => void) | null = null;
  private readonly heap: Timer[] = [];

  /** The earliest deadline; Infinity: there is none. */
  get nextDeadline(): number {
    return this.heap.length === 0 ? Infinity : this.heap[0].deadline;
  }

  /** The number of scheduled timers. */
  get size(): number {
    return this.heap.length;
  }

  schedule(timer: Timer, deadline: number): void {
    const earliest = this.nextDeadline;
    if (timer.slot < 0) {
      timer.deadline = deadline;
      this.heap.push(timer);
      this.up(timer, this.heap.length - 1);
    } else {
      const earlier = deadline < timer.deadline;
      timer.deadline = deadline;
      if (earlier) this.up(timer, timer.slot);
      else this.down(timer, timer.slot);
    }
    if (deadline < earliest) this.onEarlier?.(deadline);
  }

  cancel(timer: Timer): void {
    const slot = timer.slot;
    if (slot < 0) return;
    timer.slot = -1;
    timer.deadline = Infinity;
    const last = this.heap.pop()!;
    if (last === timer) return;
    this.up(last, slot);
    this.down(last, last.slot);
  }

  /** Fires all timers whose deadline is `now` or earlier, each at most once, even if it is scheduled again. */
  run(now: number): void {
    const due: Timer[] = [];
    while (this.heap.length > 0 && this.heap[0].deadline <= now) {
      const timer = this.heap[0];
      this.cancel(timer);
      due.push(timer);
    }
    for (const timer of due) timer.fire(now);
  }

  private up(timer: Timer, slot: number): void {
    const heap = this.heap;
    while (slot > 0) {
      const parent = (slot - 1) >> 1;
      const other = heap[parent];
      if (other.deadline <= timer.deadline) break;
      heap[slot] = other;
      other.slot = slot;
      slot = parent;
    }
    heap[slot] = timer;
    timer.slot = slot;
  }

  private down(timer: Timer, slot: number): void {
    const heap = this.heap;
    for (;;) {
      let child = 2 * slot + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1].deadline < heap[child].deadline) child++;
      const other = heap[child];
      if (other.deadline >= timer.deadline) break;
      heap[slot] = other;
      other.slot = slot;
      slot = child;
    }
    heap[slot] = timer;
    timer.slot = slot;
  }
}
