/**
 * Takes the samples: every peer one, before the next piece of work, and all work, before the next round.
 *
 * @module
 */
import { BenchBed } from "./bed.ts";
import type { Peer } from "./peers.ts";
import { formatValue, type Row } from "./report.ts";
import type { Work } from "./work.ts";

/** Measures all work with all peers; says on stderr how far it is. A peer that fails is noted in the row. */
export async function measure(works: readonly Work[], peers: readonly Peer[], linkMtu: number): Promise<Row[]> {
  await using bed = await BenchBed.create(linkMtu);
  const rows = new Map(works.map((work) => [work, rowsOf(work, peers)]));
  const rounds = Math.max(...works.map((work) => work.rounds));
  for (let round = 1; round <= rounds; round++) {
    for (const work of works.filter((work) => work.rounds >= round)) {
      for (const peer of peers) await sample(bed, work, peer, rows.get(work)!, `round ${round}/${work.rounds}`);
    }
  }
  return [...rows.values()].flat();
}

async function sample(bed: BenchBed, work: Work, peer: Peer, rows: readonly Row[], place: string): Promise<void> {
  try {
    const values = await work.sample(await bed.seat(peer, work.mtu), work.seconds);
    const shown: string[] = [];
    for (const [index, value] of values.entries()) {
      if (value === null) continue;
      rows[index]!.samples[peer.name]!.push(value);
      shown.push(`${formatValue(value)} ${rows[index]!.unit}`);
    }
    console.error(`${place}  ${work.id}, ${peer.name}: ${shown.join(", ")}`);
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split("\n")[0]!;
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
