/**
 * The choice of a free port, in a number of steps that has a bound.
 *
 * @module
 */

/** One more than the highest port. */
const END_OF_PORTS = 65_536;

/**
 * Finds a port from `first` to 65,535 that is not taken: from a random one on, the next that is free.
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
