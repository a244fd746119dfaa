/**
 * Gives memory back when a load of any kind has ended: bulk transfers, datagrams, short connections.
 *
 * A load leaves garbage, spare buffers and pages that the C library keeps. Neither V8 nor the C library gives these back
 * while nothing happens. So the process checks itself: it is idle when it has used little CPU time for a while, and there
 * is memory to give back when its resident memory is well above the lowest seen. The start is a load too: it leaves 1.5 MiB.
 *
 *     none      the event loop rests                 → watching: note the CPU time; look again in IDLE_LOOK_MS
 *     watching  memory is near the lowest seen       → none
 *     watching  busy since the last look             → watching
 *     watching  idle, and memory is above the lowest → memory is given back; the lowest is what is left; none
 *
 * A look reads two files of /proc, and there is none while the event loop has nothing to do: a program at rest has no
 * timer. {@linkcode CrowdReclaim} does the same for crowds of connections without waiting for the rest of the traffic to end.
 *
 * @module
 */
import type { Scheduler } from "../timers/scheduler.ts";
import { IDLE_SHARE, LEAST_RECLAIMED_BYTES } from "../limits/limits.ts";
import { IDLE_LOOK_MS } from "../limits/timeouts.ts";

/** The CPU time and the memory of the process. */
export interface ProcessUsage {
  /** CPU time since its start, in seconds. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

/** Calls `reclaim` when a load has ended that took memory. {@linkcode IdleReclaim.rested} must be called. */
export class IdleReclaim {
  private watching = false;
  /** The CPU time at the last look. */
  private cpuSeconds = 0;
  /** The least resident memory since the last reclaim, which includes what that has left. 0: there was none yet. */
  private lowest = 0;

  /**
   * @param usage the usage of the process; null: the system does not give it, and nothing is done
   * @param reclaim gives unused memory back to the system
   */
  constructor(
    private readonly scheduler: Pick<Scheduler, "after">,
    private readonly usage: () => ProcessUsage | null,
    private readonly reclaim: () => void,
  ) {}

  /** The event loop has nothing to do for now. This costs nothing if a look is due anyway. */
  readonly rested = (): void => {
    if (this.watching) return;
    const usage = this.usage();
    if (usage !== null) this.watch(usage);
  };

  private watch({ cpuSeconds }: ProcessUsage): void {
    this.watching = true;
    this.cpuSeconds = cpuSeconds;
    this.scheduler.after(IDLE_LOOK_MS, this.look);
  }

  private readonly look = (): void => {
    this.watching = false;
    const usage = this.usage();
    if (usage === null) return;
    const { cpuSeconds, residentBytes } = usage;
    this.lowest = Math.min(this.lowest, residentBytes);
    if (residentBytes - this.lowest < LEAST_RECLAIMED_BYTES) return;
    if (cpuSeconds - this.cpuSeconds > IDLE_SHARE * IDLE_LOOK_MS / 1000) return this.watch(usage);
    this.reclaim();
    this.lowest = this.usage()?.residentBytes ?? Infinity;
  };
}
