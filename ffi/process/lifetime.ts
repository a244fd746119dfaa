/**
 * Ends the program together with its parent or with the peer of a descriptor, and tells the parent of the start.
 *
 * @module
 */
import type { Polling } from "../poll/poller.ts";
import { parentPid, sendSignal, signalWhenParentEnds } from "./process.ts";
import { EPOLLERR, EPOLLHUP, EPOLLRDHUP } from "../libc/constants/poll.ts";
import { SIGUSR2, SIGWINCH } from "../libc/constants/process.ts";

/**
 * Calls `close` when the parent process ends. The kernel's signal reports the end of the thread that started this
 * process, which may not be the end of the parent. So a signal is used that has no other meaning here, and the parent
 * is checked.
 */
export function closeWithParent(parent: number, close: () => void): void {
  Deno.addSignalListener("SIGUSR2", () => {
    if (parentPid() !== parent) close();
  });
  if (!signalWhenParentEnds(SIGUSR2, parent)) close();
}

/** Calls `close` when the other end of a pipe or a socket is closed. Throws a SystemError for what has no other end. */
export function closeWithPeer(fd: number, poller: Polling, close: () => void): void {
  const over = EPOLLHUP | EPOLLERR | EPOLLRDHUP; // EPOLLRDHUP: a socket's peer will send nothing more
  const handle = poller.add(fd, (events) => (events & over) !== 0 ? close() : handle.arm(EPOLLRDHUP));
  handle.arm(EPOLLRDHUP);
}

/**
 * Tells the parent of the start by SIGWINCH, which is ignored by default. A parent in another pid namespace has pid 0.
 */
export function tellParent(parent: number): void {
  if (parent === 0) return;
  try {
    sendSignal(parent, SIGWINCH);
  } catch {
    // it belongs to another user, or has just ended: then it does not wait for the signal
  }
}
