/**
 * Tells whether a fluctuating figure grows: its slope against its noise.
 *
 * @module
 */
import { median } from "../bench/instrument/statistics.ts";

/** A figure at a time. */
export interface Point {
  /** In seconds. */
  readonly at: number;
  readonly value: number;
}

/** The result of {@linkcode trendOf}. */
export interface Trend {
  /** The change over the whole time, by the slope. */
  readonly change: number;
  /** The typical distance of the points from the line: the median of the distances. */
  readonly noise: number;
}

/**
 * The line through the points by Theil and Sen (the median of the slopes between any two), which single outliers, such
 * as a garbage collection just before a sample, do not turn. Needs at least two points.
 */
export function trendOf(points: readonly Point[]): Trend {
  const slopes = points.flatMap((a, i) =>
    points.slice(i + 1).filter((b) => b.at !== a.at).map((b) => (b.value - a.value) / (b.at - a.at))
  );
  const slope = median(slopes);
  const offset = median(points.map(({ at, value }) => value - slope * at));
  const noise = median(points.map(({ at, value }) => Math.abs(value - slope * at - offset)));
  return { change: slope * (points.at(-1)!.at - points[0].at), noise };
}

/** Whether the trend is flat: its change is no more than three times the noise, or than `tolerance`. */
export function isFlat({ change, noise }: Trend, tolerance: number): boolean {
  return change <= Math.max(3 * noise, tolerance);
}

/** The lowest point of each of `count` stretches: the size of a heap without its garbage. */
export function lowest(points: readonly Point[], count: number): Point[] {
  const size = Math.max(1, Math.ceil(points.length / count));
  const found: Point[] = [];
  for (let from = 0; from < points.length; from += size) {
    found.push(points.slice(from, from + size).reduce((low, point) => point.value < low.value ? point : low));
  }
  return found;
}

/** The later half of the points. */
export function secondHalf(points: readonly Point[]): readonly Point[] {
  return points.slice(points.length >> 1);
}
