/**
 * The faults in a soak's observations; none, if all is well.
 *
 * @module
 */
import type { LoadName, Observations, Sample, Work } from "./run.ts";
import { isFlat, lowest, type Point, secondHalf, type Trend, trendOf } from "./trend.ts";

const MIB = 1024 * 1024;

/** Figures that must not grow, with the growth that a few connections more or less explain. */
const FLAT = {
  descriptors: { of: (sample: Sample) => sample.descriptors, tolerance: 8, collected: false },
  heapBytes: { of: (sample: Sample) => sample.heapBytes, tolerance: 8 * MIB, collected: true },
  residentBytes: { of: (sample: Sample) => sample.residentBytes, tolerance: 16 * MIB, collected: true },
} as const;

/**
 * The lowest point of a heap is taken for stretches of the second half that are long enough for V8 to collect all
 * garbage, which it does every 30 to 60 s under this load. Fewer stretches say nothing.
 */
const STRETCH_SECONDS = 60, MIN_STRETCHES = 6;

/** Ends of TCP connections that this load never causes. */
const NEVER = ["unreachable", "unresolved", "timeout", "denied", "resources", "cancelled", "other"];

/** The share of UDP datagrams that may be lost: the queues of both kernels are short, and the machine is busy. */
const MAX_LOST = 0.01;

/** The trend of each figure over the second half; null: the run was too short to tell. */
export function trends(samples: readonly Sample[]): Record<keyof typeof FLAT, Trend | null> {
  const trend = ({ of, collected }: (typeof FLAT)[keyof typeof FLAT]) => {
    const points: readonly Point[] = secondHalf(samples.map((sample) => ({ at: sample.at, value: of(sample) })));
    const seconds = points.at(-1)!.at - points[0].at;
    if (!collected) return trendOf(points);
    const stretches = Math.floor(seconds / STRETCH_SECONDS);
    return stretches < MIN_STRETCHES ? null : trendOf(lowest(points, stretches));
  };
  return {
    descriptors: trend(FLAT.descriptors),
    heapBytes: trend(FLAT.heapBytes),
    residentBytes: trend(FLAT.residentBytes),
  };
}

/** A sentence for each fault. */
export function faults(seen: Observations): string[] {
  const found: string[] = [];
  const expect = (what: string, actual: number | string, wanted: number | string) => {
    if (actual !== wanted) found.push(`${what}: ${actual}, not ${wanted}`);
  };
  for (const [name, trend] of Object.entries(trends(seen.samples))) {
    const { tolerance } = FLAT[name as keyof typeof FLAT];
    if (trend !== null && !isFlat(trend, tolerance)) {
      found.push(`${name} grew by ${Math.round(trend.change)} in the second half`);
    }
  }
  for (const [place, kinds] of Object.entries(seen.load)) {
    for (const [kind, work] of Object.entries(kinds)) {
      if (work.failed > 0) found.push(`${place} ${kind}: ${work.failed} failed: ${work.errors.slice(0, 3).join("; ")}`);
      const { datagrams = 0, lost = 0 } = work;
      if (lost > datagrams * MAX_LOST) found.push(`${place} ${kind}: ${lost} of ${datagrams} datagrams lost`);
      if (work.done === 0) found.push(`${place} ${kind}: nothing done`);
    }
  }
  const grown = (name: string, labels: Record<string, string>) =>
    seen.after.sum(name, labels) - seen.before.sum(name, labels);
  for (const place of Object.keys(seen.load) as LoadName[]) {
    const opened = grown("slirpnetstack_connections_opened_total", { kind: KINDS[place], network: "tcp" });
    expect(`connections of ${place} that the program counted`, opened, connectionsOf(seen.load[place]));
  }
  const refused = grown("slirpnetstack_connections_total", { network: "tcp", outcome: "refused" });
  // A client that retransmits its SYN, because the machine stalled for a second, is refused twice and sees it once.
  const surplus = refused - (seen.load.routed["refused"]?.done ?? 0);
  if (surplus < 0 || surplus > seen.synRetransmissions) {
    found.push(`connections refused: ${surplus} more than asked for`);
  }
  for (const outcome of NEVER) {
    expect(
      `connections that ended as "${outcome}"`,
      grown("slirpnetstack_connections_total", { network: "tcp", outcome }),
      0,
    );
  }
  expect("memory of buffers at the end", seen.after.sum("slirpnetstack_buffer_bytes"), 0);
  expect("the program's status", seen.status, 0);
  expect("what it complained of", seen.complaints.join("; "), "");
  return found;
}

/** The metrics' names for the paths of the loads. */
const KINDS: Readonly<Record<LoadName, string>> = {
  routed: "routed",
  local: "local-fwd",
  remote: "remote-fwd",
};

function connectionsOf(load: Readonly<Record<string, Work>>): number {
  return Object.values(load).reduce((sum, work) => sum + work.connections, 0);
}
