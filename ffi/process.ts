/**
 * What the program asks of the kernel about itself and its parent.
 *
 * @module
 */
import { check } from "./errors.ts";
import { libc } from "./libc.ts";
import { readTextFile } from "./text_file.ts";

/** asm-generic/signal.h */
export const SIGKILL = 9;
export const SIGUSR2 = 12;
export const SIGTERM = 15;
/** asm-generic/signal.h: the Go program sends it to its parent when it has started. */
export const SIGWINCH = 28;

/** bits/resource.h */
const RLIMIT_NOFILE = 7;
/** linux/prctl.h */
const PR_SET_PDEATHSIG = 1;

/** The process id of the parent; 1, or that of a subreaper, once the parent has ended. */
export function parentPid(): number {
  return libc().getppid();
}

/** Sends a signal (0: only asks whether one could be sent). Throws a SystemError where that is impossible. */
export function sendSignal(pid: number, signal: number): void {
  check(libc().kill(pid, signal), "kill", `process ${pid}`);
}

/** Raises the limit of open descriptors to what the system allows this process, and returns it. */
export function raiseDescriptorLimit(): number {
  const limit = new BigUint64Array(new ArrayBuffer(16)); // struct rlimit: the limit in force, and its own limit
  check(libc().getrlimit(RLIMIT_NOFILE, limit), "getrlimit(RLIMIT_NOFILE)", "");
  if (limit[0]! < limit[1]!) {
    limit[0] = limit[1]!;
    check(libc().setrlimit(RLIMIT_NOFILE, limit), "setrlimit(RLIMIT_NOFILE)", String(limit[0]));
  }
  return Number(limit[0]!);
}

/** Sets the soft limit of open descriptors, as far as the hard one lets it. Throws a SystemError. */
export function setDescriptorLimit(soft: number): void {
  const limit = new BigUint64Array(new ArrayBuffer(16));
  check(libc().getrlimit(RLIMIT_NOFILE, limit), "getrlimit(RLIMIT_NOFILE)", "");
  if (BigInt(soft) < limit[1]!) limit[0] = BigInt(soft);
  check(libc().setrlimit(RLIMIT_NOFILE, limit), "setrlimit(RLIMIT_NOFILE)", String(soft));
}

/**
 * The soft limit of open descriptors that this program was started with, as far as that can be known: the runtime has
 * raised its own, but the parent still has the one that was inherited.
 */
export function inheritedDescriptorLimit(): number {
  const limits = readTextFile(`/proc/${parentPid() || "self"}/limits`);
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 1024);
}

/**
 * Has the kernel send this process a signal when its parent ends: the thread of the parent that started it, to be exact
 * (prctl(2), PR_SET_PDEATHSIG), and then each of those that take its place, so that {@linkcode parentPid} tells whether
 * it was the last.
 *
 * @param parent the parent's process id, asked for when the program started
 * @returns false: that parent has ended already, and no signal will come
 */
export function signalWhenParentEnds(signal: number, parent: number): boolean {
  check(libc().prctl(PR_SET_PDEATHSIG, BigInt(signal), 0n, 0n, 0n), "prctl(PR_SET_PDEATHSIG)", `signal ${signal}`);
  return parentPid() === parent;
}
