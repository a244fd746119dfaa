/**
 * Tests whether a write to a shared descriptor would have to wait. Stdout and stderr are shared with other programs, so
 * this program must not make them non-blocking.
 *
 * @module
 */
import { libc } from "../libc/libc.ts";
import { POLLFD_SIZE, POLLOUT } from "../libc/constants/poll.ts";

const REVENTS = 6;

/** The most bytes of a write that does not wait if {@linkcode isWritable} returned true: PIPE_BUF of linux/limits.h. */
export const WRITABLE_BYTES = 4096;

/**
 * Whether a write of up to {@linkcode WRITABLE_BYTES} returns at once, because it succeeds or because it fails (a pipe
 * without a reader, a closed descriptor). A pipe is writable when it has room for that many bytes (pipe(7)).
 */
export function isWritable(fd: number): boolean {
  const entry = new Uint8Array(new ArrayBuffer(POLLFD_SIZE));
  const view = new DataView(entry.buffer);
  view.setInt32(0, fd, true);
  view.setInt16(4, POLLOUT, true);
  return libc().poll(entry, 1n, 0) !== 0 && view.getInt16(REVENTS, true) !== 0;
}
