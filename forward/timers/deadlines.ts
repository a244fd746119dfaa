/**
 * Deadlines that all have the same delay: the oldest entry is always the next one whose time is up, so one timer serves
 * all of them.
 *
 * @module
 */
import type { Scheduler } from "./scheduler.ts";

/** An entry, which has to be done by its deadline. */
export interface Expiring {
  /** Its time is up. It is deleted already. */
  expire(): void;
}

/** The entries that wait for their deadline. */
export class Deadlines<Entry extends Expiring> {
  private readonly deadlines = new Map<Entry, number>();
  private armed = false;

  /** @param delay from {@linkcode add} to the deadline, in ms */
  constructor(private readonly scheduler: Scheduler, private readonly delay: number) {}

  /** How many wait. */
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

  /** The entry was done in time, or is not wanted any more. */
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
