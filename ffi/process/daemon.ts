/**
 * What a process in the background leaves and follows: a file with its process id, and the path with whose removal it ends.
 *
 * @module
 */
import { cString, libc } from "../libc/libc.ts";
import { missingPath } from "./missing_path.ts";
import { OutputFile } from "./output_file.ts";
import { IN_DELETE, IN_MOVED_FROM, IN_ONLYDIR, O_CLOEXEC, O_NONBLOCK } from "../libc/constants/file.ts";
import { EPOLLIN } from "../libc/constants/poll.ts";
import type { Polling } from "../poll/poller.ts";

/** Writes this process's id, with a newline. Throws a SystemError. */
export function writePidFile(path: string): void {
  const bytes = Uint8Array.from(new TextEncoder().encode(`${Deno.pid}\n`));
  const file = OutputFile.create(path);
  file.write(bytes, 0, bytes.length);
  file.close();
}

/** The time between two looks for a path whose folder can't be watched, in ms. */
const LOOK_MS = 1_000;

/**
 * Calls `close` once the path is gone. Returns a function that stops the watch. The folder is watched by inotify(7); that
 * tells nothing of /proc, whose paths are looked for each second.
 */
export function closeWithPath(path: string, poller: Polling, close: () => void): () => void {
  const look = () => {
    if (missingPath(path) !== null) close();
  };
  const stop = path.startsWith("/proc/") ? null : watchFolder(path, poller, look);
  if (stop !== null) {
    look(); // it may have been removed before the watch
    return stop;
  }
  const timer = setInterval(look, LOOK_MS);
  return () => clearInterval(timer);
}

/** Calls `changed` when an entry of the path's folder is removed. Null: the folder can't be watched. */
function watchFolder(path: string, poller: Polling, changed: () => void): (() => void) | null {
  const c = libc();
  const inotify = c.inotify_init1(O_NONBLOCK | O_CLOEXEC);
  if (inotify < 0) return null;
  const folder = path.slice(0, path.lastIndexOf("/") + 1) || ".";
  if (c.inotify_add_watch(inotify, cString(folder), IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR) < 0) {
    c.close(inotify);
    return null;
  }
  const buffer = new Uint8Array(new ArrayBuffer(4096));
  const handle = poller.add(inotify, () => {
    while (c.readBuffer(inotify, buffer, BigInt(buffer.length)) > 0); // only that there were events matters
    handle.arm(EPOLLIN);
    changed();
  });
  handle.arm(EPOLLIN);
  return () => {
    handle.remove();
    c.close(inotify);
  };
}
