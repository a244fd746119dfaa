/**
 * Child processes: their states, and the adoption of orphaned descendants.
 *
 * @module
 */
import { check, EINTR, SystemError } from "../libc/errors.ts";
import { errno, libc } from "../libc/libc.ts";
import { PR_SET_CHILD_SUBREAPER, WNOHANG, WUNTRACED } from "../libc/constants/process.ts";

/** The state of a child process. */
export type ChildState =
  | { readonly kind: "running" }
  /** Stopped by a signal, such as that of Ctrl-Z. */
  | { readonly kind: "stopped"; readonly signal: number }
  /**
   * Ended by a signal (0: none), with the status that shells report: the process's own, or 128 plus the signal's
   * number.
   */
  | { readonly kind: "ended"; readonly signal: number; readonly status: number };

/**
 * Makes this process a subreaper: descendants whose parent ends become its children (PR_SET_CHILD_SUBREAPER). Throws a
 * SystemError.
 */
export function adoptOrphans(): void {
  check(libc().prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n), "prctl(PR_SET_CHILD_SUBREAPER)", "");
}

/** The state of a child. A stop is reported once. Does not wait. Throws a SystemError. */
export function childState(pid: number): ChildState {
  return wait(pid, WNOHANG | WUNTRACED);
}

/** Blocks the whole program until the child has ended; returns its status. Throws a SystemError. */
export function waitForEnd(pid: number): number {
  for (;;) {
    const state = wait(pid, 0);
    if (state.kind === "ended") return state.status;
  }
}

function wait(pid: number, options: number): ChildState {
  const memory = new Int32Array(new ArrayBuffer(4));
  for (;;) {
    const found = libc().waitpid(pid, memory, options);
    if (found === 0) return { kind: "running" };
    if (found > 0) return stateOf(memory[0]);
    if (errno() !== EINTR) throw new SystemError("waitpid", errno(), `process ${pid}`);
  }
}

/** Decodes a status of waitpid(2), as the macros of bits/waitstatus.h do. */
function stateOf(status: number): ChildState {
  if ((status & 0xff) === 0x7f) return { kind: "stopped", signal: status >> 8 & 0xff };
  const signal = status & 0x7f;
  return { kind: "ended", signal, status: signal === 0 ? status >> 8 & 0xff : 128 + signal };
}
