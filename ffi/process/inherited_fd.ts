/**
 * Descriptors that were already open when the program started.
 *
 * @module
 */
import { check, EBADF, SystemError } from "../libc/errors.ts";
import { errno, libc } from "../libc/libc.ts";
import { F_GETFD, F_SETFD, FD_CLOEXEC } from "../libc/constants/file.ts";

/**
 * Takes over an inherited descriptor, so that children no longer inherit it. Throws a SystemError if it isn't open, or
 * if the runtime has opened it itself.
 */
export function takeInherited(fd: number): void {
  const name = `fd ${fd}`;
  const flags = libc().fcntl(fd, F_GETFD, 0);
  if (flags < 0) {
    throw new SystemError("fcntl(F_GETFD)", errno(), name, "it must be open, and inherited, when this program starts");
  }
  if ((flags & FD_CLOEXEC) !== 0) { // the runtime sets it on everything it opens; no inherited descriptor has it
    throw new SystemError("fcntl(F_GETFD)", EBADF, name, "it was not inherited: it is one of this program's own");
  }
  check(libc().fcntl(fd, F_SETFD, FD_CLOEXEC), "fcntl(F_SETFD)", name);
}

/** Tells the reader of a descriptor that the program is ready: writes a byte and closes it. A failure is ignored. */
export function tellReady(fd: number): void {
  libc().writeBuffer(fd, new TextEncoder().encode("1"), 1n);
  libc().close(fd);
}
