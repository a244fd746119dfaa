/**
 * `deno task bench [--quick]`: this program and its competitors on the same bed, in rounds that take turns.
 *
 * @module
 */
import { BenchBed } from "./bed.ts";
import { OURS, PASTA, type Peer, SLIRP4NETNS } from "./peers.ts";
import { type Row, table } from "./report.ts";
import { THROUGHPUT } from "./work.ts";

const MTUS = [1500, 65_520];

/** Five rounds tell a median from an outlier; --quick is for a first look. */
const FULL = { rounds: 5, seconds: 4 };
const QUICK = { rounds: 1, seconds: 1 };

if (Deno.uid() !== 0) {
  console.error("The benchmark makes network namespaces, which needs root: sudo deno task bench");
  Deno.exit(1);
}
const { rounds, seconds } = Deno.args.includes("--quick") ? QUICK : FULL;
const peers = await installed([OURS, SLIRP4NETNS, PASTA]);
const rows = await measure(peers);
console.log(
  `\nMedian of ${rounds} samples of ${seconds} s (lowest–highest), ${navigator.hardwareConcurrency} CPUs, ` +
    `Linux ${Deno.osRelease()}\n`,
);
console.log(table(rows, OURS.name, peers.filter((peer) => peer !== OURS).map((peer) => peer.name)));

async function installed(peers: readonly Peer[]): Promise<Peer[]> {
  const found: Peer[] = [];
  for (const peer of peers) {
    const version = await peer.version();
    console.log(`${peer.name}: ${version ?? "not installed, left out"}`);
    if (version !== null) found.push(peer);
  }
  return found;
}

/** Every peer takes its sample before the next round begins. */
async function measure(peers: readonly Peer[]): Promise<Row[]> {
  await using bed = await BenchBed.create(peers, MTUS);
  const rows = MTUS.flatMap((mtu) =>
    THROUGHPUT.map((work) => ({ work, mtu, samples: new Map(peers.map((peer) => [peer.name, new Array<number>()])) }))
  );
  for (let round = 1; round <= rounds; round++) {
    for (const { work, mtu, samples } of rows) {
      for (const seat of bed.seats.filter((seat) => seat.mtu === mtu)) {
        const value = await work.sample(seat.guest, seconds);
        samples.get(seat.peer.name)!.push(value);
        console.log(
          `round ${round}/${rounds}  ${work.name}, MTU ${mtu}, ${seat.peer.name}: ${value.toFixed(2)} ${work.unit}`,
        );
      }
    }
  }
  return rows.map(({ work, mtu, samples }) => ({ work: work.name, unit: work.unit, mtu, samples }));
}
