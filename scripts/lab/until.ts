import { delay } from "./timing.ts";
/**
 * Waiting for a condition, never for a time.
 *
 * @module
 */

/** How often a condition is looked at, in ms: short against what is waited for, long against a look at it. */
const INTERVAL = 10;

/**
 * Asks `condition` until it gives something else than false, null or undefined, and returns that.
 * Throws an Error that names `what` when `timeout` ms have passed.
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
