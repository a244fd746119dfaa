/**
 * Sequence numbers (RFC 9293, section 3.4). They are signed 32-bit integers, which JavaScript engines keep unboxed.
 * Only the functions here compare them, modulo 2^32.
 *
 * @module
 */

/** `a - b` modulo 2^32 as a signed number: negative when `a` comes before `b`. */
export function seqDiff(a: number, b: number): number {
  return (a - b) | 0;
}

/** `a + length` modulo 2^32. */
export function seqAdd(a: number, length: number): number {
  return (a + length) | 0;
}

/** Whether `a` comes before `b`. */
export function seqBefore(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** Whether `a` comes after `b`. */
export function seqAfter(a: number, b: number): boolean {
  return ((a - b) | 0) > 0;
}

/** The later of two. */
export function seqMax(a: number, b: number): number {
  return seqAfter(a, b) ? a : b;
}

/** The earlier of two. */
export function seqMin(a: number, b: number): number {
  return seqBefore(a, b) ? a : b;
}
