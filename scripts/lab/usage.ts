/**
 * What a process uses, from /proc/PID (proc(5)).
 *
 * @module
 */

/** USER_HZ: what /proc counts CPU time in. It is 100 on every Linux that runs Deno. */
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

/** How many descriptors it has open. */
export function openDescriptors(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}
