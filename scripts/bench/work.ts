/**
 * What is measured: each piece of work takes one sample on one guest.
 *
 * @module
 */
import { iperf } from "../lab/iperf.ts";
import { WORLD } from "../lab/lab.ts";
import type { Namespace } from "../lab/namespace.ts";

/** A measurement. More is better in all of them. */
export interface Work {
  readonly name: string;
  readonly unit: string;
  /** Takes one sample of about `seconds`. */
  sample(guest: Namespace, seconds: number): Promise<number>;
}

/** One TCP connection that carries as much as it can, either way. */
export const THROUGHPUT: readonly Work[] = [
  { name: "TCP, guest to world", unit: "Gbit/s", sample: (guest, seconds) => gigabits(guest, seconds, []) },
  { name: "TCP, world to guest", unit: "Gbit/s", sample: (guest, seconds) => gigabits(guest, seconds, ["-R"]) },
];

async function gigabits(guest: Namespace, seconds: number, direction: readonly string[]): Promise<number> {
  const report = await iperf(guest, WORLD.v4, ["--time", String(seconds), ...direction]);
  return report.bitsPerSecond / 1e9;
}
