/**
 * The choice of a free port, in a bounded number of steps.
 *
 * @module
 */

/** The first of the dynamic ports, which nobody registers (RFC 6335, section 6). */
export const FIRST_DYNAMIC_PORT = 49_152;

/** One more than the highest port. */
export const END_OF_PORTS = 65_536;

/**
 * Finds a port from `first` to 65,535 that is not taken: the next free one from a random port on.
 *
 * @param random an unsigned 32-bit number
 * @returns null if all of them are taken
 */
export function freePort(first: number, random: number, taken: (port: number) => boolean): number | null {
  const count = END_OF_PORTS - first;
  for (let i = 0; i < count; i++) {
    const port = first + (random + i) % count;
    if (!taken(port)) return port;
  }
  return null;
}
