/**
 * Reads the program's metrics (Prometheus' text format).
 *
 * @module
 */
import type { Namespace } from "../lab/namespace.ts";

/** Values by name and labels, as they are in a line: `process_open_fds`, `a_total{kind="routed"}`. */
export class Metrics {
  private constructor(private readonly values: ReadonlyMap<string, number>) {}

  /** Parses the answer to GET /metrics. */
  static parse(text: string): Metrics {
    const values = new Map<string, number>();
    for (const line of text.split("\n")) {
      const match = /^([^#\s][^\s{]*(?:\{.*\})?) (\S+)$/.exec(line);
      if (match !== null) values.set(match[1], Number(match[2]));
    }
    return new Metrics(values);
  }

  /** The sum of all values of that name whose labels include these. Throws an Error where there is none. */
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

/** Requests them from the program, in its namespace, at the socket of its `-m unix://PATH`. */
export async function readMetrics(host: Namespace, path: string): Promise<Metrics> {
  return Metrics.parse(
    await host.check(["curl", "-sS", "--fail", "--max-time", "20", "--unix-socket", path, "http://x/metrics"]),
  );
}
