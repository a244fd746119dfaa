/**
 * Counts the bytes that wait for a verdict, of all flows together.
 *
 * @module
 */
import type { Usage } from "../../stack/base/usage.ts";

/** The count, and its limit. */
export class HeldBytes implements Usage {
  current = 0;
  overflows = 0;

  constructor(readonly limit: number) {}

  /** A flow holds `now` bytes instead of `before`. Returns false, and changes nothing, if that is too much. */
  change(before: number, now: number): boolean {
    const next = this.current - before + now;
    if (now > before && next > this.limit) {
      this.overflows++;
      return false;
    }
    this.current = next;
    return true;
  }
}
