import { delay } from "./timing.ts";
/**
 * Waiting for a condition, never for a time.
 *
 * @module
 */

/** ms between two looks at a condition: short compared with the waits, long compared with a look. */
const INTERVAL = 10;

/**
 * Calls `condition` until it returns something other than false, null or undefined, and returns that. Throws an Error
 * that names `what` after `timeout` ms.
 */
export async function until<T>(
  what: string,
  timeout: number,
  condition: () => T | Promise<T>,
): Promise<Exclude<T, false | null | undefined>> {
  const deadline = performance.now() + timeout;
  for (;;) {
    const value = await condition();
    if (isThere(value)) return value;
    if (performance.now() > deadline) throw new Error(`waited ${timeout} ms in vain for ${what}`);
    await delay(INTERVAL);
  }
}

function isThere<T>(value: T): value is Exclude<T, false | null | undefined> {
  return value !== false && value !== null && value !== undefined;
}
