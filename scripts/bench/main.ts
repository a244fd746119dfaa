/**
 * `deno task bench [--quick] [--against NAME[,NAME]]`: this program and its competitors on the same bed, in rounds that
 * take turns.
 *
 * @module
 */
import { BenchBed } from "./bed.ts";
import { OURS, PASTA, type Peer, SLIRP4NETNS } from "./peers.ts";
import { type Row, table } from "./report.ts";
import { THROUGHPUT } from "./work.ts";

const COMPETITORS: readonly Peer[] = [SLIRP4NETNS, PASTA];

const MTUS = [1500, 65_520];

/** Five rounds tell a median from an outlier; --quick is for a first look. */
const FULL = { rounds: 5, seconds: 4 };
const QUICK = { rounds: 3, seconds: 1 };

if (Deno.uid() !== 0) {
  console.error("The benchmark makes network namespaces, which needs root: sudo deno task bench");
  Deno.exit(1);
}
const { quick, against } = options(Deno.args);
const { rounds, seconds } = quick ? QUICK : FULL;
const peers = await installed([OURS, ...COMPETITORS.filter((peer) => against.includes(peer.name))]);
const rows = await measure(peers);
console.log(
  `\nMedian of ${rounds} samples of ${seconds} s (lowest–highest), ${navigator.hardwareConcurrency} CPUs, ` +
    `Linux ${Deno.osRelease()}\n`,
);
console.log(table(rows, OURS.name, peers.filter((peer) => peer !== OURS).map((peer) => peer.name)));

function options(args: readonly string[]): { quick: boolean; against: readonly string[] } {
  const names = COMPETITORS.map((peer) => peer.name);
  let [quick, against] = [false, names];
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "--quick") quick = true;
    else if (args[i] === "--against" && i + 1 < args.length) against = args[++i]!.split(",");
    else usage(`unknown: ${args[i]}`);
  }
  const stranger = against.find((name) => !names.includes(name));
  if (stranger !== undefined) usage(`no competitor ${stranger}; there are ${names.join(", ")}`);
  return { quick, against };
}

function usage(reason: string): never {
  console.error(`${reason}\nusage: deno task bench [--quick] [--against NAME[,NAME]]`);
  Deno.exit(2);
}

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
