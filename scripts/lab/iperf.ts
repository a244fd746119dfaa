/**
 * Runs iperf3 and reads its report.
 *
 * @module
 */
import type { Namespace } from "./namespace.ts";

/** The report of an iperf3 client. */
export interface IperfReport {
  /** Bytes that the sender handed to its kernel, and that the receiver had read by the time the sender was done. */
  readonly sent: number;
  readonly received: number;
  /** The receiver's rate in bits per second. */
  readonly bitsPerSecond: number;
}

/** iperf3's error while its server still holds the last client, which it releases a moment after that client's end. */
const BUSY = /busy running a test/;

/**
 * Runs an iperf3 client in `where` against `address`, with more arguments such as `-n 200M` or `-R`. Throws an Error
 * with iperf3's message when it fails.
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
