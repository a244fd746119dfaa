/**
 * Resource usage of a process, from /proc/PID (proc(5)).
 *
 * @module
 */

/** USER_HZ, the unit of CPU time in /proc. It is 100 on every Linux that runs Deno. */
const TICKS_PER_SECOND = 100;

/** Resident memory in bytes: VmRSS of /proc/PID/status. */
export function residentMemory(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
  if (match === null) throw new Error(`/proc/${pid}/status has no VmRSS`);
  return Number(match[1]) * 1024;
}

/** CPU time of all its threads so far, in seconds: utime + stime of /proc/PID/stat. */
export function cpuTime(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // the name may hold spaces; field 3 follows it
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The number of its open descriptors. */
export function openDescriptors(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

/**
 * The number of its open sockets, counting a socket with several descriptors once: the runtime opens files, and copies
 * descriptors of its sockets, whenever it starts a thread.
 */
export function openSockets(pid: number): number {
  const links = [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) => linkAt(`/proc/${pid}/fd/${name}`));
  return new Set(links.filter((link) => link.startsWith("socket:"))).size;
}

function linkAt(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return ""; // it was closed meanwhile
    throw error;
  }
}
