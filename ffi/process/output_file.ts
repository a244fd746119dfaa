/**
 * A file or named pipe that is only written to. A write never waits for the pipe's reader: it writes as much as the
 * pipe has room for. (A write to a file on a disk is complete, and waits for the disk.)
 *
 * @module
 */
import { check, EAGAIN, EINTR, SystemError } from "../libc/errors.ts";
import { cString, errno, libc } from "../libc/libc.ts";
import { F_SETFL, O_APPEND, O_CLOEXEC, O_CREAT, O_NONBLOCK, O_TRUNC, O_WRONLY } from "../libc/constants/file.ts";

/** The mode of a new file, which the umask reduces. */
const MODE = 0o666;

/** A file or named pipe to write to without blocking. */
export class OutputFile {
  private closed = false;

  private constructor(private readonly fd: number, private readonly path: string) {}

  /** Creates or empties the file. Opening a named pipe waits until another process reads. Throws a SystemError. */
  static create(path: string): OutputFile {
    return OutputFile.open(path, O_TRUNC);
  }

  /** As {@linkcode create}, but keeps the file's content and writes at its end, even if other processes write too. */
  static append(path: string): OutputFile {
    return OutputFile.open(path, O_APPEND);
  }

  private static open(path: string, flag: number): OutputFile {
    const c = libc();
    const fd = check(c.open(cString(path), O_WRONLY | O_CREAT | O_CLOEXEC | flag, MODE), "open", path);
    // set after opening: opening a pipe for writing with O_NONBLOCK fails while nobody reads
    c.fcntl(fd, F_SETFL, O_NONBLOCK | (flag & O_APPEND)); // F_SETFL replaces both
    return new OutputFile(fd, path);
  }

  /**
   * Writes at least one byte of `bytes[from..to)`, and returns how many; 0 if the write would have to wait. Throws a
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

  /** Truncates the file to `size` bytes. Throws a SystemError if that is impossible, as for a pipe. */
  truncate(size: number): void {
    check(libc().ftruncate(this.fd, BigInt(size)), "ftruncate", this.path);
  }

  /** Closes the file. A second call does nothing. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    libc().close(this.fd);
  }
}
