/**
 * One run of iperf3 and what it reports.
 *
 * @module
 */
import type { Namespace } from "./namespace.ts";

/** What an iperf3 client saw. */
export interface IperfReport {
  /** Bytes that the sender handed to its kernel, and that the receiver had read when the sender was done. */
  readonly sent: number;
  readonly received: number;
  /** The receiver's rate in bits per second. */
  readonly bitsPerSecond: number;
}

/** The server lets go of the last client a moment after that client ended. */
const BUSY = /busy running a test/;

/**
 * Runs an iperf3 client in `where` against `address`, with more arguments such as `-n 200M` or `-R`.
 * Throws an Error with iperf3's own words when it fails.
 */
export async function iperf(
  where: Namespace,
  address: string,
  args: readonly string[],
  timeout = 60_000,
): Promise<IperfReport> {
  const command = ["iperf3", "--client", address, "--json", ...args];
  for (;;) {
    const result = await where.run(command, { timeout });
    const report: unknown = JSON.parse(result.stdout || "null");
    const error = field(report, "error");
    if (typeof error === "string" && BUSY.test(error)) continue;
    const end = field(report, "end");
    const sent = field(field(end, "sum_sent"), "bytes");
    const received = field(field(end, "sum_received"), "bytes");
    const bitsPerSecond = field(field(end, "sum_received"), "bits_per_second");
    if (
      result.code !== 0 || typeof sent !== "number" || typeof received !== "number" || typeof bitsPerSecond !== "number"
    ) {
      throw new Error(`${command.join(" ")}: status ${result.code}, ${error ?? result.stderr}`);
    }
    return { sent, received, bitsPerSecond };
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
