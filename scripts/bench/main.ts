/**
 * `deno task bench`: this program, its competitors and the kernel on the same bed, in rounds that take turns. `--help`
 * says what can be asked of it.
 *
 * @module
 */
import { parseBenchOptions } from "./options.ts";
import { fullMatrix, quickMatrix, select } from "./matrix.ts";
import { KERNEL, OURS, PASTA, type Peer, SLIRP4NETNS } from "./peers.ts";
import { notes, table } from "./report.ts";
import { measure } from "./run.ts";

const COMPETITORS: readonly Peer[] = [SLIRP4NETNS, PASTA, KERNEL];

const options = parseBenchOptions(Deno.args, COMPETITORS.map((peer) => peer.name));
if (Deno.uid() !== 0) {
  console.error("The benchmark makes network namespaces, which needs root: sudo deno task bench");
  Deno.exit(1);
}
const all = options.quick ? quickMatrix() : fullMatrix();
const works = options.only === null ? all : select(all, options.only);
if (works.length === 0) {
  console.error(
    `no work is called ${options.only?.join(" or ")}; there is:\n${all.map(({ id }) => `  ${id}`).join("\n")}`,
  );
  Deno.exit(2);
}
const peers = await installed([OURS, ...COMPETITORS.filter((peer) => options.against.includes(peer.name))]);
const rows = await measure(works, peers, options.linkMtu);
console.log(
  `\nMedians (lowest–highest); ${navigator.hardwareConcurrency} CPUs, Linux ${Deno.osRelease()}, a link with MTU ` +
    `${options.linkMtu}\n`,
);
console.log(table(rows, OURS.name, peers.filter((peer) => peer !== OURS).map((peer) => peer.name)));
for (const note of notes(rows)) console.log(`\n${note}`);

async function installed(peers: readonly Peer[]): Promise<Peer[]> {
  const found: Peer[] = [];
  for (const peer of peers) {
    const version = await peer.version();
    console.log(`${peer.name}: ${version ?? "not installed, left out"}`);
    if (version !== null) found.push(peer);
  }
  return found;
}
