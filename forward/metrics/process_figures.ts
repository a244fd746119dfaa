/**
 * Figures about this process, from /proc.
 *
 * @module
 */
import type { ProcessUsage } from "../memory/idle_reclaim.ts";
import type { ProcessFigures } from "./source.ts";

/** Ticks in a second of the times in /proc/PID/stat: USER_HZ, which is 100 on x86_64 and aarch64. */
const TICKS = 100;

/** The system calls that read the figures. They are passed in, because forward/ makes none. */
export interface ProcessSource {
  /** Reads a text file of /proc. May throw. */
  readonly read: (path: string) => string;
  /** The number of open descriptors; `limit` is the most that there may be. May throw. */
  readonly openDescriptors: (limit: number) => number;
}

/** Reads the CPU time and the resident memory alone; null where /proc is not what it is on Linux. */
export function readProcessUsage(read: ProcessSource["read"]): ProcessUsage | null {
  try {
    const usage = {
      cpuSeconds: cpuSeconds(read("/proc/self/stat")),
      residentBytes: kilobytes(read("/proc/self/status"), "VmRSS"),
    };
    return Object.values(usage).some(Number.isNaN) ? null : usage;
  } catch {
    return null;
  }
}

/** Reads the figures; null where /proc is not what it is on Linux. */
export function readProcessFigures({ read, openDescriptors }: ProcessSource): ProcessFigures | null {
  try {
    const stat = read("/proc/self/stat"), status = read("/proc/self/status"), limits = read("/proc/self/limits");
    const maxDescriptors = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
    const figures = {
      cpuSeconds: cpuSeconds(stat),
      residentBytes: kilobytes(status, "VmRSS"),
      virtualBytes: kilobytes(status, "VmSize"),
      heapBytes: Deno.memoryUsage().heapUsed,
      openDescriptors: 0,
      maxDescriptors: maxDescriptors === "unlimited" ? Infinity : Number(maxDescriptors),
      startTime: performance.timeOrigin / 1000,
    };
    if (Object.values(figures).some(Number.isNaN)) return null;
    return { ...figures, openDescriptors: openDescriptors(figures.maxDescriptors) };
  } catch {
    return null; // the other metrics are served without these
  }
}

/** The second field, in parentheses, may hold spaces; the times are the 14th and 15th (proc_pid_stat(5)). */
function cpuSeconds(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

function kilobytes(status: string, name: string): number {
  return 1024 * Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, "m").exec(status)?.[1]);
}
