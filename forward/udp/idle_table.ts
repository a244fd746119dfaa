/**
 * Associations that end when nothing passes, and a limit for all of them: when it is reached, the one that was idle
 * longest makes room.
 *
 * They are looked at once in a while for as long as there are any; what nobody uses takes no time. To find the one idle
 * longest, all are sorted, and then taken in that order for as long as it lasts. Who was used since is passed over, and
 * who came since is not in it: both are younger than all that are left. So a flood of new associations costs a sort for
 * as many of them as there may be, not a search for each, and a datagram costs nothing here.
 *
 * @module
 */
import { type EndReason, EndReasons } from "../report/end_report.ts";
import type { Scheduler } from "../timers/scheduler.ts";
import { DEFAULT_LIMITS } from "../limits/limits.ts";
import { SWEEP_MS } from "../limits/timeouts.ts";
import type { AssociationTraffic } from "./idle_timeout.ts";

/**
 * From this share of the limit on, questions and single exchanges end early, so that a resolver or a scanner with a new
 * port for each does not fill the table. Below it nobody needs their sockets.
 */
export const CROWDED_SHARE = 0.25;

/** What the table needs of an association. */
export interface Idling {
  readonly usage: AssociationTraffic;
  /** Ends it, and deletes it from the table. */
  end(reason: EndReason): void;
}

/** See the module's text. */
export class IdleTable {
  private readonly entries = new Set<Idling>();
  /** By the time of their last use, the oldest last, when they were sorted; with that time. */
  private oldest: { readonly entry: Idling; readonly usedAt: number }[] = [];
  private sweeping = false;

  /** Those that ended to make room. */
  evicted = 0;

  /**
   * @param limit how many there may be
   * @param ended called after each that was deleted
   */
  constructor(
    private readonly scheduler: Scheduler,
    readonly limit: number = DEFAULT_LIMITS.udpAssociations,
    private readonly ended: () => void = () => {},
  ) {}

  /** How many there are. */
  get size(): number {
    return this.entries.size;
  }

  /** Makes sure that one more may be made; another may end for it. */
  makeRoom(): void {
    if (this.entries.size >= this.limit) this.endOldest();
  }

  /** Adds one, for which there must be room. */
  add(entry: Idling): void {
    this.entries.add(entry);
    this.sweepLater();
  }

  /** Forgets one, if it is there. */
  delete(entry: Idling): void {
    if (this.entries.delete(entry)) this.ended();
  }

  /** Ends all. */
  close(): void {
    for (const entry of this.entries) entry.end(EndReasons.ABORTED);
  }

  /** Ends the one idle longest; false: there is none. */
  endOldest(): boolean {
    for (;;) {
      if (this.oldest.length === 0) this.sort();
      const next = this.oldest.pop();
      if (next === undefined) return false;
      const { entry, usedAt } = next;
      if (!this.entries.has(entry) || entry.usage.usedAt !== usedAt) continue;
      this.evicted++;
      entry.end(EndReasons.TOO_MANY_ASSOCIATIONS);
      return true;
    }
  }

  private sort(): void {
    this.oldest = Array.from(this.entries, (entry) => ({ entry, usedAt: entry.usage.usedAt }));
    this.oldest.sort((a, b) => a.usedAt - b.usedAt).reverse(); // of several as old, the one that came first goes first
  }

  private sweepLater(): void {
    if (this.sweeping) return;
    this.sweeping = true;
    this.scheduler.after(SWEEP_MS, this.sweep);
  }

  private readonly sweep = (): void => {
    this.sweeping = false;
    this.oldest = []; // it would keep those that have ended from the garbage collector
    const now = this.scheduler.now();
    const crowded = this.entries.size > this.limit * CROWDED_SHARE;
    for (const entry of this.entries) {
      if (now - entry.usage.usedAt >= entry.usage.idleTime(crowded)) entry.end(EndReasons.IDLE);
    }
    if (this.entries.size > 0) this.sweepLater();
  };
}
