/**
 * A table of associations with an idle timeout for each and a limit for all: when the limit is reached, the association
 * idle longest makes room.
 *
 * A sweep every SWEEP_MS ends the idle ones; there is none while the table is empty. To find the association idle longest,
 * all are sorted by their last use, and the sorted list serves until it is used up. Entries used since then are skipped;
 * entries added since then are not in the list: both are younger than all that are left. So a flood of new associations
 * costs one sort each time that the whole table has been replaced, and a datagram costs nothing here.
 *
 * @module
 */
import { type EndReason, EndReasons } from "../report/end_report.ts";
import type { Scheduler } from "../timers/scheduler.ts";
import { DEFAULT_LIMITS } from "../limits/limits.ts";
import { SWEEP_MS } from "../limits/timeouts.ts";
import type { AssociationTraffic } from "./idle_timeout.ts";

/**
 * From this share of the limit on, the table is crowded: questions to name servers and single exchanges end early, so that
 * a resolver or a scanner that uses a new port for each does not fill the table. Below it nothing else needs the sockets.
 */
const CROWDED_SHARE = 0.25;

/** An entry of the table: an association. */
export interface Idling {
  readonly usage: AssociationTraffic;
  /** Ends the association, and deletes it from the table. */
  end(reason: EndReason): void;
}

/** The table. */
export class IdleTable {
  private readonly entries = new Set<Idling>();
  /** The sorted list, the one idle longest at its end; each with the time of its last use at the sort. */
  private oldest: { readonly entry: Idling; readonly usedAt: number }[] = [];
  private sweeping = false;

  /** The number of associations that ended to make room. */
  evicted = 0;

  /**
   * @param limit the most associations
   * @param ended called after each deletion
   */
  constructor(
    private readonly scheduler: Scheduler,
    readonly limit: number = DEFAULT_LIMITS.udpAssociations,
    private readonly ended: () => void = () => {},
  ) {}

  /** The number of associations. */
  get size(): number {
    return this.entries.size;
  }

  /** Makes room for one more: if the table is full, another ends. */
  makeRoom(): void {
    if (this.entries.size >= this.limit) this.endOldest();
  }

  /** Adds one. There must be room. */
  add(entry: Idling): void {
    this.entries.add(entry);
    this.sweepLater();
  }

  /** Deletes one, if it is there. */
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
    this.oldest.sort((a, b) => a.usedAt - b.usedAt).reverse(); // of several with the same time, the first one added goes first
  }

  private sweepLater(): void {
    if (this.sweeping) return;
    this.sweeping = true;
    this.scheduler.after(SWEEP_MS, this.sweep);
  }

  private readonly sweep = (): void => {
    this.sweeping = false;
    this.oldest = []; // the list would keep ended associations alive
    const now = this.scheduler.now();
    const crowded = this.entries.size > this.limit * CROWDED_SHARE;
    for (const entry of this.entries) {
      if (now - entry.usage.usedAt >= entry.usage.idleTime(crowded)) entry.end(EndReasons.IDLE);
    }
    if (this.entries.size > 0) this.sweepLater();
  };
}
