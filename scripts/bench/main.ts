/**
 * `deno task bench`: this program, its competitors and the kernel on the same bed, in rounds that take turns. `--help`
 * lists its options.
 *
 * @module
 */
import { resolve } from "node:path";
import { chart } from "./report/chart.ts";
import { fullMatrix, quickMatrix, select } from "./matrix.ts";
import { UsageError } from "../common/arguments.ts";
import { type BenchOptions, parseBenchOptions, USAGE } from "./options.ts";
import { baseline, competitors, onPath, ours, type Peer } from "./bed/peers.ts";
import { pages } from "./readme.ts";
import { notes, table } from "./report/report.ts";
import { merge, readResults, type Results } from "./report/results.ts";
import { measure } from "./run.ts";
import { describeCongestionControl, frequencyGovernor } from "./bed/settings.ts";
import { outcomes, targetTable } from "./report/targets.ts";
import type { Work } from "./bed/work.ts";

try {
  const options = parseBenchOptions(Deno.args);
  if (options === null) console.log(USAGE);
  else await show(options.from === null ? await run(options) : await readAll(options.from, options.only), options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  Deno.exit(2);
}

async function run(options: BenchOptions): Promise<Results> {
  const works = chosen(options);
  const former = options.baseline === null ? [] : [baseline(resolve(options.baseline))];
  const peers = [ours(options.source), ...former, ...await rivals(options.against)];
  if (Deno.uid() !== 0) {
    console.error("The benchmark makes network namespaces, which needs root: sudo deno task bench");
    Deno.exit(1);
  }
  const found: { peer: Peer; version: string }[] = [];
  for (const peer of peers) {
    const version = await peer.version();
    console.log(`${peer.name}: ${version ?? "not installed, left out"}`);
    if (version !== null) found.push({ peer, version });
  }
  if ((await onPath("gvproxy")).length > 0) console.log("gvproxy: left out, as it serves no network namespace");
  const { rows, congestionControl } = await measure(works, found.map(({ peer }) => peer), options.linkMtu);
  const own = (await Deno.readTextFile("/proc/sys/net/ipv4/tcp_congestion_control")).trim();
  const control = describeCongestionControl(congestionControl, own);
  return {
    peers: found.map(({ peer, version }) => ({ name: peer.name, version })),
    bed: `${new Date().toISOString().slice(0, 10)}, ${await machine()}, a link with MTU ${options.linkMtu}, ${control}`,
    rows,
  };
}

/** The processors and the system. */
async function machine(): Promise<string> {
  const model = /^model name\s*: (.+)$/m.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1]; // not on every architecture
  const processors = `${navigator.hardwareConcurrency} CPUs${model === undefined ? "" : ` (${model})`}`;
  const memory = `${Math.round(Deno.systemMemoryInfo().total / 2 ** 30)} GiB`;
  const governor = await frequencyGovernor();
  const frequency = governor === null ? "" : `, frequency governor ${governor}`;
  return `${processors}${frequency}, ${memory}, Linux ${Deno.osRelease()}`;
}

function chosen({ quick, only }: BenchOptions): Work[] {
  const all = quick ? quickMatrix() : fullMatrix();
  const works = only === null ? all : select(all, only);
  if (works.length > 0) return works;
  throw new UsageError(`no work is called ${only?.join(" or ")}; there is ${all.map(({ id }) => id).join(", ")}`);
}

async function rivals(against: readonly string[] | null): Promise<Peer[]> {
  const all = await competitors();
  const names = all.map((peer) => peer.name);
  const stranger = against?.find((name) => !names.includes(name));
  if (stranger !== undefined) throw new UsageError(`no competitor ${stranger}; there are ${names.join(", ")}`);
  return all.filter((peer) => against === null || against.includes(peer.name));
}

async function readAll(paths: readonly string[], only: readonly string[] | null): Promise<Results> {
  try {
    const results = merge(await Promise.all(paths.map(readResults)));
    return only === null ? results : { ...results, rows: select(results.rows, only) };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function show(results: Results, options: BenchOptions): Promise<void> {
  const [ours, ...others] = results.peers.map((peer) => peer.name);
  console.log(`\nMedians (lowest–highest); ${results.bed}\n`);
  console.log(table(results.rows, ours!, others));
  for (const note of notes(results.rows)) console.log(`\n${note}`);
  if (options.targets) console.log(`\n${targetTable(outcomes(results.rows, ours!))}`);
  if (options.json !== null) await Deno.writeTextFile(options.json, `${JSON.stringify(results, null, 2)}\n`);
  if (options.chart !== null) await Deno.writeTextFile(options.chart, chart(results.rows, [ours!, ...others]));
  if (options.readme) { for (const [path, text] of await pages(results)) await Deno.writeTextFile(path, text); }
}
