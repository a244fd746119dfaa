/**
 * Statistics of samples: the median and percentiles.
 *
 * @module
 */

/** The median: the middle sample, or the mean of the two in the middle. */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * The percentile by nearest rank: the smallest sample that at least `share` (0 to 1) of all are not above. Sorts in
 * place.
 */
export function percentile(samples: Float64Array, share: number): number {
  samples.sort();
  return samples[Math.max(0, Math.ceil(share * samples.length) - 1)];
}
