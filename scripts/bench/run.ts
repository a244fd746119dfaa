/**
 * Takes the samples: one of each peer before the next piece of work, and all work before the next round. The first peer
 * changes each time, so that none always follows the same one.
 *
 * @module
 */
import { BenchBed } from "./bed/bed.ts";
import type { Peer } from "./bed/peers.ts";
import { formatValue, type Row } from "./report/report.ts";
import type { Work } from "./bed/work.ts";

/** The samples, and the congestion control under which they were taken. */
export interface Measured {
  readonly rows: Row[];
  readonly congestionControl: string;
}

/** Measures all work with all peers, and reports progress on stderr. The failure of a peer is noted in the row. */
export async function measure(works: readonly Work[], peers: readonly Peer[], linkMtu: number): Promise<Measured> {
  await using bed = await BenchBed.create(linkMtu);
  const rows = new Map(works.map((work) => [work, rowsOf(work, peers)]));
  const rounds = Math.max(...works.map((work) => work.rounds));
  for (let round = 1; round <= rounds; round++) {
    for (const [index, work] of works.entries()) {
      if (work.rounds < round) continue;
      for (const peer of rotated(peers, index + round - 1)) {
        await sample(bed, work, peer, rows.get(work)!, `round ${round}/${work.rounds}`);
      }
    }
  }
  return { rows: [...rows.values()].flat(), congestionControl: bed.congestionControl };
}

/** The same list in the same order, rotated to begin with that index. */
export function rotated<T>(all: readonly T[], first: number): T[] {
  const at = all.length === 0 ? 0 : first % all.length;
  return [...all.slice(at), ...all.slice(0, at)];
}

async function sample(bed: BenchBed, work: Work, peer: Peer, rows: readonly Row[], place: string): Promise<void> {
  try {
    const values = await work.sample(await bed.seat(peer, work.mtu), work.seconds);
    const shown: string[] = [];
    for (const [index, value] of values.entries()) {
      if (value === null) continue;
      rows[index].samples[peer.name].push(value);
      shown.push(`${formatValue(value)} ${rows[index].unit}`);
    }
    console.error(`${place}  ${work.id}, ${peer.name}: ${shown.join(", ")}`);
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split("\n")[0];
    for (const row of rows) (row.failures[peer.name] ??= []).push(reason);
    console.error(`${place}  ${work.id}, ${peer.name}: failed: ${reason}`);
  }
}

function rowsOf(work: Work, peers: readonly Peer[]): Row[] {
  return work.figures.map((figure) => ({
    ...figure,
    mtu: work.mtu,
    samples: Object.fromEntries(peers.map((peer) => [peer.name, []])),
    failures: {},
  }));
}
