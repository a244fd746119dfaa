/**
 * Whether a path exists, asked of the system without a permission of the runtime.
 *
 * @module
 */
import { errnoText } from "../libc/errors.ts";
import { cString, errno, libc } from "../libc/libc.ts";

/** The mode of access(2) that asks for existence (unistd.h). */
const F_OK = 0;

/** Why there is no such path, in the system's words; null: there is one. */
export function missingPath(path: string): string | null {
  return libc().access(cString(path), F_OK) === 0 ? null : errnoText(errno());
}
