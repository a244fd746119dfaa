/**
 * Finds and counts the open descriptors of this process.
 *
 * @module
 */
import { check } from "../libc/errors.ts";
import { libc } from "../libc/libc.ts";
import { readTextFile } from "../libc/text_file.ts";
import { POLLFD_SIZE, POLLNVAL } from "../libc/constants/poll.ts";

const STATUS = "/proc/self/status";

/** The number of open descriptors: see {@linkcode openNumbers}. Throws a SystemError. */
export function openDescriptors(limit: number): number {
  return openNumbers(limit).size;
}

/**
 * The open descriptors. One poll(2) that does not wait reports the descriptors that are not open. (Listing a
 * directory of /proc would cost three calls, and one more permission.) Throws a SystemError.
 *
 * @param limit RLIMIT_NOFILE: poll(2) takes no more entries than that
 */
export function openNumbers(limit: number = Infinity): Set<number> {
  const size = /^FDSize:\s*(\d+)$/m.exec(readTextFile(STATUS))?.[1];
  if (size === undefined) throw new Error(`${STATUS} has no FDSize`);
  const count = Math.min(Number(size), limit);
  const buffer = new ArrayBuffer(Math.max(count, 16) * POLLFD_SIZE);
  const entries = new Int32Array(buffer), events = new Uint16Array(buffer);
  for (let fd = 0; fd < count; fd++) entries[2 * fd] = fd;
  check(libc().poll(new Uint8Array(buffer), BigInt(count), 0), "poll", "");
  const open = new Set<number>();
  for (let fd = 0; fd < count; fd++) if ((events[4 * fd + 3] & POLLNVAL) === 0) open.add(fd);
  return open;
}
