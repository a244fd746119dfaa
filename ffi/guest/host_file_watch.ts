/**
 * Watches the host's `/etc` by inotify(7) and reports changes to the guest's keeper (file_keeper.ts) through a pipe: a
 * line with the name of each entry that appears, disappears or is replaced. An empty line says that any entry may have
 * changed.
 *
 *     struct inotify_event (linux/inotify.h)
 *     0 watch (32)   4 mask (32)   8 cookie (32)   12 length (32)   16 name, with zeros up to the length
 *
 * @module
 */
import { check, EAGAIN } from "../libc/errors.ts";
import { cString, errno, libc } from "../libc/libc.ts";
import { pipe } from "../process/fd_passing.ts";
import type { PollHandle } from "../poll/epoll_set.ts";
import type { Polling } from "../poll/poller.ts";
import {
  F_SETFL,
  IN_CREATE,
  IN_DELETE,
  IN_MOVED_FROM,
  IN_MOVED_TO,
  IN_ONLYDIR,
  IN_Q_OVERFLOW,
  O_CLOEXEC,
  O_NONBLOCK,
} from "../libc/constants/file.ts";
import { EPOLLIN } from "../libc/constants/poll.ts";

const EVENT_SIZE = 16;

const ETC = "/etc";
/** The parents of the daemons' folders, which the keeper covers when they appear. */
const DAEMONS_PARENTS: readonly string[] = ["/run", "/run/systemd"];
/** Room for some hundred events. */
const READ_SIZE = 16 * 1024;
/** The delay before the next attempt when the pipe is full, in ms. */
const RETRY_MS = 200;

/** The watch, and the pipe to the keeper. */
export class HostChanges {
  /** The keeper's end of the pipe. Not inherited. */
  readonly changes: number;
  private readonly writes: number;
  private readonly inotify: number;
  private readonly etc: number;
  private readonly buffer = new Uint8Array(new ArrayBuffer(READ_SIZE));
  private handle: PollHandle | null = null;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  /** Watches from now on, but reports nothing before {@linkcode begin}. Throws a SystemError. */
  constructor() {
    const c = libc();
    [this.changes, this.writes] = pipe();
    c.fcntl(this.writes, F_SETFL, O_NONBLOCK);
    this.inotify = check(c.inotify_init1(O_NONBLOCK | O_CLOEXEC), "inotify_init1", "");
    this.etc = this.watch(ETC, IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO);
    for (const path of DAEMONS_PARENTS) this.watch(path, IN_CREATE | IN_MOVED_TO);
  }

  /** Closes this process's copy of the keeper's end. Called once the helper has inherited its own. */
  closeKeeperEnd(): void {
    libc().close(this.changes);
  }

  /** Reports to the keeper from now on, including the changes since the construction. */
  begin(poller: Polling): void {
    this.handle = poller.add(this.inotify, () => this.read());
    this.handle.arm(EPOLLIN);
  }

  /** Stops watching. The keeper then ends. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.retry);
    this.handle?.remove();
    libc().close(this.inotify);
    libc().close(this.writes);
  }

  /** The number of the watch; -1 if the folder does not exist, or the user has no watches left. */
  private watch(path: string, events: number): number {
    return libc().inotify_add_watch(this.inotify, cString(path), events | IN_ONLYDIR);
  }

  private read(): void {
    const length = libc().readBuffer(this.inotify, this.buffer, BigInt(READ_SIZE));
    if (length > 0) this.write(namesOf(this.buffer.subarray(0, length), this.etc));
    this.handle?.arm(EPOLLIN);
  }

  private write(lines: Uint8Array<ArrayBuffer>): void {
    if (lines.length === 0 || libc().writeBuffer(this.writes, lines, BigInt(lines.length)) === lines.length) return;
    if (errno() !== EAGAIN) return; // the keeper has ended
    this.retry ??= setTimeout(() => {
      this.retry = undefined;
      this.write(ANY);
    }, RETRY_MS);
  }
}

const NEWLINE = 10;
const ANY: Uint8Array<ArrayBuffer> = new Uint8Array([NEWLINE]);

/**
 * The lines that report these events.
 *
 * @param events `struct inotify_event`s, as read from inotify
 * @param etc the watch whose names are reported. For events of other watches, and for lost events, there is an empty line
 */
export function namesOf(events: Uint8Array<ArrayBuffer>, etc: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(events.buffer, events.byteOffset, events.length);
  const lines: number[] = [];
  let any = false;
  for (let at = 0; at + EVENT_SIZE <= events.length;) {
    const length = view.getUint32(at + 12, true);
    const padded = events.subarray(at + EVENT_SIZE, at + EVENT_SIZE + length);
    const end = padded.indexOf(0);
    const name = end < 0 ? padded : padded.subarray(0, end);
    const overflow = (view.getUint32(at + 4, true) & IN_Q_OVERFLOW) !== 0;
    if (overflow || view.getInt32(at, true) !== etc || name.includes(NEWLINE)) any = true;
    else if (name.length > 0) lines.push(...name, NEWLINE);
    at += EVENT_SIZE + length;
  }
  if (any) lines.push(NEWLINE);
  return new Uint8Array(lines);
}
