/**
 * Prometheus' text format, version 0.0.4: each metric with its HELP and TYPE, and its samples below.
 *
 * It is written here because it is short, and because a metrics library (prom-client) keeps the numbers itself. This
 * program counts where things happen, and reads the counters only when a client asks.
 *
 * @module
 */

/** The media type of the format. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The labels of a sample: names as the format allows them, any text as a value. */
export type Labels = Readonly<Record<string, string>>;

/** A sample: its labels and its value. */
export type Sample = readonly [labels: Labels, value: number];

/** The numbers of values between bounds, and their sum. */
export interface HistogramFigures {
  /** Upper bounds, ascending, the last finite. */
  readonly bounds: readonly number[];
  /** For each bound, the number of values up to it and above the previous one; then the number above all bounds. */
  readonly counts: ArrayLike<number>;
  readonly sum: number;
}

/** Collects metrics, each named once. */
export class Exposition {
  private text = "";

  /** Adds a metric that only grows. The name must end in `_total`. */
  counter(name: string, help: string, ...samples: readonly Sample[]): void {
    this.family(name, "counter", help, samples);
  }

  /** Adds a metric that goes up and down. */
  gauge(name: string, help: string, ...samples: readonly Sample[]): void {
    this.family(name, "gauge", help, samples);
  }

  /** Adds a distribution of values. */
  histogram(name: string, help: string, figures: HistogramFigures): void {
    this.head(name, "histogram", help);
    let count = 0;
    figures.bounds.forEach((bound, i) => {
      count += figures.counts[i];
      this.sample(`${name}_bucket`, { le: formatValue(bound) }, count);
    });
    count += figures.counts[figures.bounds.length];
    this.sample(`${name}_bucket`, { le: "+Inf" }, count);
    this.sample(`${name}_sum`, {}, figures.sum);
    this.sample(`${name}_count`, {}, count);
  }

  /** The text of all metrics. */
  toString(): string {
    return this.text;
  }

  private family(name: string, type: string, help: string, samples: readonly Sample[]): void {
    if (samples.length === 0) return;
    this.head(name, type, help);
    for (const [labels, value] of samples) this.sample(name, labels, value);
  }

  private head(name: string, type: string, help: string): void {
    this.text += `# HELP ${name} ${help.replace(/[\\\n]/g, escape)}\n# TYPE ${name} ${type}\n`;
  }

  private sample(name: string, labels: Labels, value: number): void {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text.replace(/[\\"\n]/g, escape)}"`);
    this.text += `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${formatValue(value)}\n`;
  }
}

function escape(character: string): string {
  return character === "\n" ? "\\n" : `\\${character}`;
}

function formatValue(value: number): string {
  return value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value);
}
