/**
 * Deadlines that all have the same delay. The oldest entry always expires first, so one timer serves all of them.
 *
 * @module
 */
import type { Scheduler } from "./scheduler.ts";

/** An entry with a deadline. */
export interface Expiring {
  /** The time is up, and the entry is already deleted. */
  expire(): void;
}

/** The entries that wait for their deadline. */
export class Deadlines<Entry extends Expiring> {
  private readonly deadlines = new Map<Entry, number>();
  private armed = false;

  /** @param delay from {@linkcode add} to the deadline, in ms */
  constructor(private readonly scheduler: Scheduler, private readonly delay: number) {}

  /** The number of waiting entries. */
  get size(): number {
    return this.deadlines.size;
  }

  /** The entries that wait, the oldest first. */
  entries(): Iterable<Entry> {
    return this.deadlines.keys();
  }

  /** Starts the time of an entry. */
  add(entry: Entry): void {
    this.deadlines.set(entry, this.scheduler.now() + this.delay);
    this.arm(this.delay);
  }

  /** Deletes an entry that was done in time, or is not needed any more. */
  delete(entry: Entry): void {
    this.deadlines.delete(entry);
  }

  private arm(delay: number): void {
    if (this.armed) return;
    this.armed = true;
    this.scheduler.after(delay, this.expire);
  }

  private readonly expire = (): void => {
    this.armed = false;
    const now = this.scheduler.now();
    for (const [entry, deadline] of this.deadlines) {
      if (deadline > now) return this.arm(deadline - now);
      this.deadlines.delete(entry);
      entry.expire();
    }
  };
}
