/**
 * Identifiers of flows in the audit: ULIDs, which sort by the time of their creation.
 *
 *     10 characters of time in ms since 1970, 16 of randomness; in Crockford's base 32
 *
 * @module
 */

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TIME_LENGTH = 10, RANDOM_LENGTH = 16;

/** Returns a new identifier. `now`: the time by the wall clock, in ms since 1970. */
export function flowId(now: number): string {
  let time = "";
  for (let rest = now, i = 0; i < TIME_LENGTH; i++, rest = Math.floor(rest / 32)) time = DIGITS[rest % 32] + time;
  let random = "";
  for (const byte of crypto.getRandomValues(new Uint8Array(RANDOM_LENGTH))) random += DIGITS[byte & 31];
  return time + random;
}
