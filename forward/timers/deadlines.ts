/**
 * Things that all have the same time to be done in: so the oldest is always the next whose time is up, and one timer does
 * for all.
 *
 * @module
 */
import type { Scheduler } from "./scheduler.ts";

/** Something whose time can be up. */
export interface Expiring {
  /** Its time is up. It is forgotten already. */
  expire(): void;
}

/** See the module's text. */
export class Deadlines<Entry extends Expiring> {
  private readonly deadlines = new Map<Entry, number>();
  private armed = false;

  /** @param delay how long each has, in ms */
  constructor(private readonly scheduler: Scheduler, private readonly delay: number) {}

  /** How many are waited for. */
  get size(): number {
    return this.deadlines.size;
  }

  /** Those that are waited for, the oldest first. */
  entries(): Iterable<Entry> {
    return this.deadlines.keys();
  }

  /** Starts the time of one. */
  add(entry: Entry): void {
    this.deadlines.set(entry, this.scheduler.now() + this.delay);
    this.arm(this.delay);
  }

  /** It was done in time, or nobody wants it any more. */
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
