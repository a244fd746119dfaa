/**
 * Of samples: the middle, the ends, and where a share of them lies below.
 *
 * @module
 */

/** The middle one, or the mean of the two in the middle. */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The smallest sample that at least `share` (0 to 1) of all are not larger than (nearest rank); sorts in place. */
export function percentile(samples: Float64Array, share: number): number {
  samples.sort();
  return samples[Math.max(0, Math.ceil(share * samples.length) - 1)]!;
}
