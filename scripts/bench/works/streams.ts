/**
 * Bulk TCP: one or eight connections in either direction, and the program's CPU time for it.
 *
 * @module
 */
import { iperf } from "../../lab/iperf.ts";
import { WORLD } from "../../lab/lab.ts";
import type { Seat } from "../bed/bed.ts";
import { treeCpuTime } from "../bed/process_tree.ts";
import type { Figure, Work } from "../bed/work.ts";

/** The number of connections, the direction of the data, the IP version and the MTU. */
export interface Stream {
  readonly connections: number;
  readonly direction: "out" | "in";
  readonly version: "v4" | "v6";
  readonly mtu: number;
}

/** The work of one kind of stream: throughput, and CPU seconds per GB. */
export function streamWork(stream: Stream, rounds: number, seconds: number): Work {
  const { connections, direction, version, mtu } = stream;
  const kind = `${direction}-${connections}-${version}-${mtu}`;
  const many = connections === 1 ? "" : ` in ${connections} connections`;
  const name = `${direction === "out" ? "guest to world" : "world to guest"}${many}, IP${version}`;
  const figures: Figure[] = [{ id: `tcp-${kind}`, name: `TCP, ${name}`, unit: "Gbit/s", better: "more" }];
  if (connections === 1 && version === "v4") {
    figures.push({ id: `tcp-${kind}-cpu`, name: `CPU per GB, ${name}`, unit: "s", better: "less" });
  }
  return {
    id: `tcp-${kind}`,
    mtu,
    figures,
    rounds,
    seconds,
    async sample(seat, seconds) {
      const before = cpu(seat);
      const more = ["--parallel", String(connections), ...(direction === "in" ? ["--reverse"] : [])];
      const report = await iperf(seat.guest, WORLD[version], ["--time", String(seconds), ...more]);
      const after = cpu(seat);
      const perGigabyte = before === null || after === null ? null : (after - before) / (report.received / 1e9);
      return [report.bitsPerSecond / 1e9, perGigabyte].slice(0, figures.length);
    },
  };
}

function cpu(seat: Seat): number | null {
  return seat.process === null ? null : treeCpuTime(seat.process.pid);
}
