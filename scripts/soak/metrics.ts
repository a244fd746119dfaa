/**
 * Reading the program's metrics (Prometheus' text format), as far as it writes them.
 *
 * @module
 */
import type { Namespace } from "../lab/namespace.ts";

/** A value by its name and labels, as they stand in a line: `process_open_fds`, `a_total{kind="routed"}`. */
export class Metrics {
  private constructor(private readonly values: ReadonlyMap<string, number>) {}

  /** Reads what GET /metrics answered. */
  static parse(text: string): Metrics {
    const values = new Map<string, number>();
    for (const line of text.split("\n")) {
      const match = /^([^#\s][^\s{]*(?:\{.*\})?) (\S+)$/.exec(line);
      if (match !== null) values.set(match[1], Number(match[2]));
    }
    return new Metrics(values);
  }

  /** The sum of all values of that name whose labels have these. Throws an Error where there is none. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    let total: number | null = null;
    for (const [key, value] of this.values) {
      if (key !== name && !key.startsWith(`${name}{`)) continue;
      if (wanted.every((part) => key.includes(part))) total = (total ?? 0) + value;
    }
    if (total === null) throw new Error(`no metric ${name} ${wanted.join(" ")}`);
    return total;
  }
}

/** Asks the program for them, in its namespace, at the socket that its `-m unix://PATH` names. */
export async function readMetrics(host: Namespace, path: string): Promise<Metrics> {
  return Metrics.parse(
    await host.check(["curl", "-sS", "--fail", "--max-time", "20", "--unix-socket", path, "http://x/metrics"]),
  );
}
