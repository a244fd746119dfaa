/**
 * Descriptors that were open already when the program was started.
 *
 * @module
 */
import { check, EBADF, SystemError } from "../libc/errors.ts";
import { errno, libc } from "../libc/libc.ts";
import { F_GETFD, F_SETFD, FD_CLOEXEC } from "../libc/constants/file.ts";

/**
 * Takes a descriptor over: from now on it is not inherited any more. Throws a SystemError where it isn't open, or is one
 * that the runtime has opened itself.
 */
export function takeInherited(fd: number): void {
  const name = `fd ${fd}`;
  const flags = libc().fcntl(fd, F_GETFD, 0);
  if (flags < 0) {
    throw new SystemError("fcntl(F_GETFD)", errno(), name, "it must be open, and inherited, when this program starts");
  }
  if ((flags & FD_CLOEXEC) !== 0) { // whatever the runtime opens is so, and nothing that was inherited is
    throw new SystemError("fcntl(F_GETFD)", EBADF, name, "it was not inherited: it is one of this program's own");
  }
  check(libc().fcntl(fd, F_SETFD, FD_CLOEXEC), "fcntl(F_SETFD)", name);
}

/** Writes a byte to a descriptor, whose reader waits for it, and closes the descriptor. A failure is ignored. */
export function tellReady(fd: number): void {
  libc().writeBuffer(fd, new TextEncoder().encode("1"), 1n);
  libc().close(fd);
}
