/**
 * Whether a write to somebody else's descriptor would have to wait. Stdout and stderr are shared with other programs, so
 * that they must not be made non-blocking for the sake of this one.
 *
 * @module
 */
import { libc } from "../libc/libc.ts";
import { POLLFD_SIZE, POLLOUT } from "../libc/constants/poll.ts";

const REVENTS = 6;

/** The most bytes of a write that does not wait after {@linkcode isWritable} said yes: PIPE_BUF of linux/limits.h. */
export const WRITABLE_BYTES = 4096;

/**
 * Whether a write of up to {@linkcode WRITABLE_BYTES} returns at once: with success, or because it fails (nobody reads,
 * there is no such descriptor). A pipe reports that it is writable when it has room for as much (pipe(7)).
 */
export function isWritable(fd: number): boolean {
  const entry = new Uint8Array(new ArrayBuffer(POLLFD_SIZE));
  const view = new DataView(entry.buffer);
  view.setInt32(0, fd, true);
  view.setInt16(4, POLLOUT, true);
  return libc().poll(entry, 1n, 0) !== 0 && view.getInt16(REVENTS, true) !== 0;
}
