/**
 * Usage of a process and all its descendants, from /proc, because some programs divide their work among processes.
 *
 * @module
 */
import { cpuTime, openDescriptors, residentMemory } from "../../lab/usage.ts";

/** CPU time of all threads so far, in seconds. */
export function treeCpuTime(pid: number): number {
  return sum(pid, cpuTime);
}

/** Resident memory in bytes; memory that processes share counts for each of them. */
export function treeMemory(pid: number): number {
  return sum(pid, residentMemory);
}

/** Open descriptors. */
export function treeDescriptors(pid: number): number {
  return sum(pid, openDescriptors);
}

/** The ids of the process and of its descendants (proc(5), /proc/PID/task/TID/children); none when it has ended. */
export function processTree(pid: number): number[] {
  if (!isThere(pid)) return [];
  const children = [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap((task) =>
    Deno.readTextFileSync(`/proc/${pid}/task/${task.name}/children`).split(" ").filter((word) => word.trim() !== "")
  );
  return [pid, ...children.flatMap((child) => processTree(Number(child)))];
}

function sum(pid: number, usage: (pid: number) => number): number {
  return processTree(pid).reduce((total, one) => total + usage(one), 0);
}

function isThere(pid: number): boolean {
  try {
    Deno.statSync(`/proc/${pid}/task`);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
