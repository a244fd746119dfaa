/**
 * Makes a table of samples: medians with their spread, and the ratio to each competitor.
 *
 * @module
 */
import { markdownTable } from "../../common/markdown.ts";
import { median } from "../instrument/statistics.ts";
import type { Figure } from "../bed/work.ts";

/** All samples of one figure, by the peer's name, and the reasons why some are missing. */
export interface Row extends Figure {
  readonly mtu: number;
  readonly samples: Record<string, number[]>;
  readonly failures: Record<string, string[]>;
}

/** A Markdown table that is readable on a terminal too. `ours` is the peer that the others are compared with. */
export function table(rows: readonly Row[], ours: string, others: readonly string[]): string {
  const head = ["work", "MTU", ours, ...others.flatMap((other) => [other, `against ${other}`])];
  return markdownTable(
    head,
    rows.map((row) => [
      `${row.name}${row.unit === "" ? "" : `, ${row.unit}`}${row.better === "less" ? " (less is better)" : ""}`,
      String(row.mtu),
      cell(row, ours),
      ...others.flatMap((other) => [cell(row, other), verdict(row, ours, other)]),
    ]),
  );
}

/** A line for each peer that failed at some work, always or sometimes: the reason for a dash, or for fewer samples. */
export function notes(rows: readonly Row[]): string[] {
  const lines = new Map<string, string>(); // the figures of one sample fail together: said once
  for (const row of rows) {
    for (const [peer, reasons] of Object.entries(row.failures)) {
      const taken = row.samples[peer]?.length ?? 0;
      const share = taken === 0 ? "" : ` in ${reasons.length} of ${reasons.length + taken} samples`;
      const what = `${peer} failed${share} at ${row.name}, MTU ${row.mtu}`;
      const key = `${peer} ${row.mtu} ${reasons.join()}`;
      if (!lines.has(key)) lines.set(key, `${what}: ${reasons[0]}`);
    }
  }
  return [...lines.values()];
}

/** The median of a peer's samples; null when it has none. */
export function medianOf(row: Row, peer: string): number | null {
  const samples = row.samples[peer] ?? [];
  return samples.length === 0 ? null : median(samples);
}

/** Ours divided by theirs; null if one of them is missing, or theirs is 0. */
export function ratio(row: Row, ours: string, other: string): number | null {
  const [we, they] = [medianOf(row, ours), medianOf(row, other)];
  return we === null || they === null || they === 0 ? null : we / they;
}

function cell(row: Row, peer: string): string {
  const value = medianOf(row, peer);
  if (value === null) return "—";
  const samples = row.samples[peer];
  return `${formatValue(value)} (${formatValue(Math.min(...samples))}–${formatValue(Math.max(...samples))})`;
}

function verdict(row: Row, ours: string, other: string): string {
  const value = ratio(row, ours, other);
  if (value === null) return "—";
  if (value === 1) return "1.00× level";
  const ahead = row.better === "more" ? value >= 1 : value <= 1;
  return `${value.toFixed(2)}× ${ahead ? "ahead" : "behind"}`;
}

/** Three significant digits, or all digits before the point if there are more. */
export function formatValue(value: number): string {
  const size = Math.abs(value);
  if (size >= 10_000) return Math.round(value).toLocaleString("en-GB");
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(2);
}
