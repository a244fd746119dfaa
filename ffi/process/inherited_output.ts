/**
 * Writes to an inherited descriptor without waiting for its reader. The descriptor's flags stay as they are: other
 * processes may use it, too.
 *
 * @module
 */
import { SystemError } from "../libc/errors.ts";
import { errno, libc } from "../libc/libc.ts";
import { isWritable, WRITABLE_BYTES } from "./writable.ts";

/** An inherited descriptor that is written to. */
export class InheritedOutput {
  /** @param fd taken over already */
  constructor(private readonly fd: number) {}

  /** Writes some bytes of `bytes[from..to)`, and returns how many; 0 if the write would have to wait. Throws a SystemError. */
  write(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): number {
    if (!isWritable(this.fd)) return 0;
    const view = bytes.subarray(from, Math.min(to, from + WRITABLE_BYTES));
    const written = libc().writeBuffer(this.fd, view, BigInt(view.length));
    if (written < 0) throw new SystemError("write", errno(), `fd ${this.fd}`);
    return written;
  }
}
