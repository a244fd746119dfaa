/**
 * Samples in, a table out: medians with their spread, and for each competitor by how much we are ahead or behind.
 *
 * @module
 */

/** All samples of one piece of work at one MTU, by the peer's name. */
export interface Row {
  readonly work: string;
  readonly unit: string;
  readonly mtu: number;
  readonly samples: ReadonlyMap<string, readonly number[]>;
}

/** The middle one, or the mean of the two in the middle. */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A Markdown table that is readable on a terminal too. `ours` is the peer that the others are compared with. */
export function table(rows: readonly Row[], ours: string, others: readonly string[]): string {
  const head = ["work", "MTU", ours, ...others.flatMap((other) => [other, `against ${other}`])];
  const body = rows.map((row) => [
    row.work,
    String(row.mtu),
    cell(row, ours),
    ...others.flatMap((other) => [cell(row, other), verdict(row, ours, other)]),
  ]);
  const lines = [head, ...body];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const format = (line: readonly string[]) => `| ${line.map((text, i) => text.padEnd(widths[i]!)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [format(head), rule, ...body.map(format)].join("\n");
}

function cell(row: Row, peer: string): string {
  const samples = row.samples.get(peer)!;
  const [low, high] = [Math.min(...samples), Math.max(...samples)];
  return `${digits(median(samples))} ${row.unit} (${digits(low)}–${digits(high)})`;
}

function verdict(row: Row, ours: string, other: string): string {
  const ratio = median(row.samples.get(ours)!) / median(row.samples.get(other)!);
  return `${ratio.toFixed(2)}× ${ratio >= 1 ? "ahead" : "behind"}`;
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
