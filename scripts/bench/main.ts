/**
 * `deno task bench [--quick] [--against NAME[,NAME]] [--link-mtu BYTES]`: this program and its competitors on the same
 * bed, in rounds that take turns. The link's MTU is that between the host and the world; the guests' are tried in turn.
 *
 * @module
 */
import { BenchBed } from "./bed.ts";
import { LINK_MTU } from "../lab/lab.ts";
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
const { quick, against, linkMtu } = options(Deno.args);
const { rounds, seconds } = quick ? QUICK : FULL;
const peers = await installed([OURS, ...COMPETITORS.filter((peer) => against.includes(peer.name))]);
const rows = await measure(peers);
console.log(
  `\nMedian of ${rounds} samples of ${seconds} s (lowest–highest), ${navigator.hardwareConcurrency} CPUs, ` +
    `Linux ${Deno.osRelease()}, a link with MTU ${linkMtu}\n`,
);
console.log(table(rows, OURS.name, peers.filter((peer) => peer !== OURS).map((peer) => peer.name)));

interface Arguments {
  readonly quick: boolean;
  readonly against: readonly string[];
  readonly linkMtu: number;
}

function options(args: readonly string[]): Arguments {
  const names = COMPETITORS.map((peer) => peer.name);
  let [quick, against, linkMtu] = [false, names, LINK_MTU];
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "--quick") quick = true;
    else if (args[i] === "--against" && i + 1 < args.length) against = args[++i]!.split(",");
    else if (args[i] === "--link-mtu" && i + 1 < args.length) linkMtu = Number(args[++i]);
    else usage(`unknown: ${args[i]}`);
  }
  const stranger = against.find((name) => !names.includes(name));
  if (stranger !== undefined) usage(`no competitor ${stranger}; there are ${names.join(", ")}`);
  // IPv6 needs 1280 bytes of a link (RFC 8200, section 5)
  if (!Number.isInteger(linkMtu) || linkMtu < 1280 || linkMtu > LINK_MTU) usage(`a link's MTU is 1280 to ${LINK_MTU}`);
  return { quick, against, linkMtu };
}

function usage(reason: string): never {
  console.error(`${reason}\nusage: deno task bench [--quick] [--against NAME[,NAME]] [--link-mtu BYTES]`);
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
  await using bed = await BenchBed.create(peers, MTUS, linkMtu);
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
