/**
 * The project's performance targets, and whether a run meets them.
 *
 * @module
 */
import { markdownTable } from "../../common/markdown.ts";
import { formatValue, medianOf, type Row } from "./report.ts";

/** A bound on a figure's median, or on how many times another figure's or peer's it is. */
export interface Target {
  /** The figure's id. */
  readonly figure: string;
  /** Divide by this peer's median. */
  readonly peer?: string;
  /** Divide by our own median of this figure. */
  readonly of?: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

const SLIRP4NETNS = { peer: "slirp4netns" };
const PASTA = { peer: "pasta" };

/** All targets. */
export const TARGETS: readonly Target[] = [
  { figure: "tcp-out-1-v4-65520", ...SLIRP4NETNS, atLeast: 2.5 },
  { figure: "tcp-in-1-v4-65520", ...SLIRP4NETNS, atLeast: 2.5 },
  { figure: "tcp-out-1-v4-1500", ...SLIRP4NETNS, atLeast: 10 },
  { figure: "tcp-in-1-v4-1500", ...SLIRP4NETNS, atLeast: 5 },
  { figure: "tcp-out-1-v4-65520", ...PASTA, atLeast: 1 },
  { figure: "tcp-in-1-v4-65520", ...PASTA, atLeast: 1 },
  { figure: "tcp-out-1-v4-1500", ...PASTA, atLeast: 1 },
  { figure: "tcp-in-1-v4-1500", ...PASTA, atLeast: 1 },
  { figure: "tcp-out-8-v4-65520", of: "tcp-out-1-v4-65520", atLeast: 1 },
  { figure: "tcp-in-8-v4-65520", of: "tcp-in-1-v4-65520", atLeast: 1 },
  { figure: "tcp-out-8-v4-1500", of: "tcp-out-1-v4-1500", atLeast: 1 },
  { figure: "tcp-in-8-v4-1500", of: "tcp-in-1-v4-1500", atLeast: 1 },
  { figure: "tcp-out-1-v4-1500-cpu", ...SLIRP4NETNS, atMost: 0.3 },
  { figure: "tcp-in-1-v4-1500-cpu", ...SLIRP4NETNS, atMost: 0.3 },
  { figure: "rr-v4-p50", ...SLIRP4NETNS, atMost: 1 },
  { figure: "crr-v4-rate", ...SLIRP4NETNS, atLeast: 1 },
  { figure: "crr-v4-p99", ...SLIRP4NETNS, atMost: 2 },
  { figure: "udp-rr-v4-p50", ...SLIRP4NETNS, atMost: 1 },
  { figure: "udp-out-flood-64", ...SLIRP4NETNS, atLeast: 1 },
  { figure: "udp-in-flood-64", ...SLIRP4NETNS, atLeast: 1 },
  { figure: "udp-out-flood-1400", ...SLIRP4NETNS, atLeast: 1 },
  { figure: "udp-in-flood-1400", ...SLIRP4NETNS, atLeast: 1 },
  { figure: "connections-open", atMost: 6 },
  { figure: "connections-echo", atLeast: 10_000 },
  { figure: "connections-memory", atMost: 24 },
  { figure: "connections-idle", atMost: 3 },
  // the descriptors that a program opens for good on first use
  { figure: "connections-descriptors", atMost: 8 },
  // of up to 240 MiB that they may take: a grown heap keeps some
  { figure: "connections-returned", atMost: 48 },
  { figure: "start-ready", atMost: 120 },
  { figure: "run-first-byte", atMost: 250 },
];

/** A target with the measured value; null: it was not measured. */
export interface Outcome {
  readonly target: Target;
  readonly row: Row;
  readonly value: number | null;
  readonly met: boolean | null;
}

/** Compares the measured rows with their targets. */
export function outcomes(rows: readonly Row[], ours: string, targets: readonly Target[] = TARGETS): Outcome[] {
  return targets.flatMap((target) => {
    const row = rows.find((row) => row.id === target.figure);
    if (row === undefined) return [];
    const value = valueOf(target, row, rows, ours);
    const met = value === null ? null : value >= (target.atLeast ?? -Infinity) && value <= (target.atMost ?? Infinity);
    return [{ target, row, value, met }];
  });
}

/** A table of the outcomes. */
export function targetTable(outcomes: readonly Outcome[]): string {
  return markdownTable(
    ["target", "MTU", "wanted", "measured", "met"],
    outcomes.map(({ target, row, value, met }) => [
      row.name,
      String(row.mtu),
      wanted(target, row),
      value === null ? "—" : `${formatValue(value)}${unit(target, row)}`,
      met === null ? "not measured" : met ? "yes" : "no",
    ]),
  );
}

function valueOf(target: Target, row: Row, rows: readonly Row[], ours: string): number | null {
  const own = medianOf(row, ours);
  if (target.peer === undefined && target.of === undefined) return own;
  const other = target.of === undefined ? row : rows.find((row) => row.id === target.of);
  const divisor = other === undefined ? null : medianOf(other, target.peer ?? ours);
  return own === null || divisor === null || divisor === 0 ? null : own / divisor;
}

function wanted(target: Target, row: Row): string {
  const bound = target.atLeast === undefined ? `≤ ${target.atMost}` : `≥ ${target.atLeast}`;
  const what = target.peer ?? (target.of === undefined ? null : "one connection");
  return `${bound}${unit(target, row)}${what === null ? "" : ` ${what}`}`;
}

function unit(target: Target, row: Row): string {
  if (target.peer !== undefined || target.of !== undefined) return "×";
  return row.unit === "" ? "" : ` ${row.unit}`;
}
