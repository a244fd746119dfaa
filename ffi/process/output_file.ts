/**
 * A file that is only written, and never holds its writer up for another program's sake: what a pipe's reader
 * has not made room for is not taken. (A file on a disk takes all, at the pace of the disk.)
 *
 * @module
 */
import { check, EAGAIN, EINTR, SystemError } from "../libc/errors.ts";
import { cString, errno, libc } from "../libc/libc.ts";
import { F_SETFL, O_APPEND, O_CLOEXEC, O_CREAT, O_NONBLOCK, O_TRUNC, O_WRONLY } from "../libc/constants/file.ts";

/** For the umask to cut down, as everybody does. */
const MODE = 0o666;

/** A file or named pipe that is only written to, without blocking. */
export class OutputFile {
  private closed = false;

  private constructor(private readonly fd: number, private readonly path: string) {}

  /** Makes the file, or empties it. For a named pipe it waits until somebody reads. Throws a SystemError. */
  static create(path: string): OutputFile {
    return OutputFile.open(path, O_TRUNC);
  }

  /** Likewise, but what is written goes behind what the file has, also when others write to it. */
  static append(path: string): OutputFile {
    return OutputFile.open(path, O_APPEND);
  }

  private static open(path: string, flag: number): OutputFile {
    const c = libc();
    const fd = check(c.open(cString(path), O_WRONLY | O_CREAT | O_CLOEXEC | flag, MODE), "open", path);
    // only now: opening a pipe for writing without blocking fails where nobody reads yet
    c.fcntl(fd, F_SETFL, O_NONBLOCK | (flag & O_APPEND)); // F_SETFL replaces both
    return new OutputFile(fd, path);
  }

  /**
   * Writes some of `bytes[from..to)`, at least one byte, and returns how many; 0 when it would have to wait. Throws a
   * SystemError.
   */
  write(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): number {
    const view = bytes.subarray(from, to);
    const length = BigInt(view.length);
    for (;;) {
      const written = libc().writeBuffer(this.fd, view, length);
      if (written >= 0) return written;
      const reason = errno();
      if (reason === EAGAIN) return 0;
      if (reason !== EINTR) throw new SystemError("write", reason, this.path);
    }
  }

  /** Cuts the file off behind `size` bytes. Throws a SystemError where it can't be, as for a pipe. */
  truncate(size: number): void {
    check(libc().ftruncate(this.fd, BigInt(size)), "ftruncate", this.path);
  }

  /** Nothing can be written any more. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    libc().close(this.fd);
  }
}
