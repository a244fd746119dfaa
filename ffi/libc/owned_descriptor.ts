/**
 * Descriptors that belong to a block of code.
 *
 * @module
 */
import { libc } from "./libc.ts";

/**
 * A descriptor that is closed at the end of its block.
 *
 * @example
 * ```ts
 * using file = new OwnedDescriptor(check(libc().open(cString(path), O_RDONLY | O_CLOEXEC, 0), "open", path));
 * ```
 */
export class OwnedDescriptor implements Disposable {
  constructor(readonly fd: number) {}

  [Symbol.dispose](): void {
    libc().close(this.fd);
  }
}
