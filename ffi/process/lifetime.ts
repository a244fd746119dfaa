/**
 * Others whose end is this program's, and who is told that it has started.
 *
 * @module
 */
import type { Polling } from "../poll/poller.ts";
import { parentPid, sendSignal, signalWhenParentEnds } from "./process.ts";
import { EPOLLERR, EPOLLHUP, EPOLLRDHUP } from "../libc/constants/poll.ts";
import { SIGUSR2, SIGWINCH } from "../libc/constants/process.ts";

/**
 * Calls `close` when the parent process ends. The kernel tells of the end of the thread that started this process, which
 * may not be the end of the parent, so the signal that it tells by is one of its own.
 */
export function closeWithParent(parent: number, close: () => void): void {
  Deno.addSignalListener("SIGUSR2", () => {
    if (parentPid() !== parent) close();
  });
  if (!signalWhenParentEnds(SIGUSR2, parent)) close();
}

/** Calls `close` when the other end of a pipe or a socket is closed. Throws a SystemError for what has no other end. */
export function closeWithPeer(fd: number, poller: Polling, close: () => void): void {
  const over = EPOLLHUP | EPOLLERR | EPOLLRDHUP; // the last: a socket's other end says that nothing more will come
  const handle = poller.add(fd, (events) => (events & over) !== 0 ? close() : handle.arm(EPOLLRDHUP));
  handle.arm(EPOLLRDHUP);
}

/** SIGWINCH, which does nothing to those who don't wait for it. A parent in another pid namespace has no number. */
export function tellParent(parent: number): void {
  if (parent === 0) return;
  try {
    sendSignal(parent, SIGWINCH);
  } catch {
    // it belongs to someone else, or has just ended: it does not wait then
  }
}
