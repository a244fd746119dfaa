/**
 * `deno task soak [--minutes N] [--out FOLDER]`: a mixed load for a long time, and a check that nothing is lost or
 * grows. Leaves soak.json and soak.svg in the folder (default: the current one). The status is 1 when something is
 * wrong.
 *
 * @module
 */
import { argumentsOr, fail } from "../common/arguments.ts";
import { plot } from "./plot.ts";
import { type Observations, type Sample, soak } from "./run.ts";
import type { Point, Trend } from "./trend.ts";
import { faults, trends } from "./verdict.ts";

const USAGE = "usage: deno task soak [--minutes N] [--out FOLDER]";

const MINUTES = 30;
/** The number of samples: enough for a curve, and few enough not to be a load themselves. */
const SAMPLES = 300, MIN_INTERVAL = 2;

const MIB = 1024 * 1024;

if (Deno.uid() !== 0) {
  console.error("The soak makes network namespaces, which needs root: sudo deno task soak");
  Deno.exit(1);
}
const { minutes, out } = options(Deno.args);
const seconds = minutes * 60;
const seen = await soak(seconds, Math.max(MIN_INTERVAL, seconds / SAMPLES), progress());
const wrong = faults(seen);
await Deno.mkdir(out, { recursive: true });
await Deno.writeTextFile(`${out}/soak.json`, `${JSON.stringify(summary(seen, wrong), null, 2)}\n`);
await Deno.writeTextFile(`${out}/soak.svg`, picture(seen.samples));
console.log(`\n${report(seen)}\n\n${out}/soak.json, ${out}/soak.svg`);
for (const fault of wrong) console.log(`WRONG: ${fault}`);
console.log(wrong.length === 0 ? "All as it should be." : `${wrong.length} things are wrong.`);
Deno.exit(wrong.length === 0 ? 0 : 1);

function options(args: readonly string[]): { readonly minutes: number; readonly out: string } {
  const given = argumentsOr(USAGE, args, { values: ["minutes", "out"] });
  const minutes = Number(given.value("minutes") ?? MINUTES);
  if (!(minutes >= 0.2 && minutes <= 10_000)) fail(`--minutes takes a number from 0.2 on\n${USAGE}`);
  return { minutes, out: given.value("out") ?? "." };
}

/** Prints a line each half minute. */
function progress(): (sample: Sample) => void {
  let next = 0;
  return ({ at, residentBytes, heapBytes, descriptors, openFlows, connections }) => {
    if (at < next) return;
    next = at + 30;
    const memory = `RSS ${(residentBytes / MIB).toFixed(0)} MiB, heap ${(heapBytes / MIB).toFixed(1)} MiB`;
    console.log(`${at.toFixed(0)} s: ${memory}, ${descriptors} descriptors, ${openFlows} open, ${connections} opened`);
  };
}

function summary(seen: Observations, wrong: readonly string[]): unknown {
  const { samples, load, synRetransmissions } = seen;
  return {
    seconds,
    wrong,
    load,
    synRetransmissions,
    trends: trends(samples),
    samples,
    system: { linux: Deno.osRelease(), cpus: navigator.hardwareConcurrency, deno: Deno.version.deno },
  };
}

/** A summary in a few lines. */
function report({ samples, load, after }: Observations): string {
  const work = Object.values(load).flatMap((kinds) => Object.values(kinds));
  const total = (of: (one: (typeof work)[number]) => number) => work.reduce((sum, one) => sum + of(one), 0);
  const lines = [
    `${(seconds / 60).toFixed(1)} minutes, ${navigator.hardwareConcurrency} CPUs, Linux ${Deno.osRelease()}`,
    `TCP connections ${total((one) => one.connections)}, of them failed ${total((one) => one.failed)}`,
    `UDP datagrams ${total((one) => one.datagrams ?? 0)}, of them lost ${total((one) => one.lost ?? 0)}`,
    `bytes from the guest ${bytes("from_guest")}, to the guest ${bytes("to_guest")}`,
  ];
  const found = trends(samples), last = samples.at(-1)!;
  const change = (trend: Trend | null, unit: number, name: string) =>
    trend === null
      ? "not known: the run is too short to tell"
      : `${(trend.change / unit).toFixed(1)} ${name} in the second half (noise ${(trend.noise / unit).toFixed(1)})`;
  lines.push(
    `descriptors ${last.descriptors}, change ${change(found.descriptors, 1, "")}`,
    `heap ${(last.heapBytes / MIB).toFixed(1)} MiB, change ${change(found.heapBytes, MIB, "MiB")}`,
    `RSS ${(last.residentBytes / MIB).toFixed(1)} MiB, change ${change(found.residentBytes, MIB, "MiB")}`,
  );
  return lines.join("\n");

  function bytes(direction: string): string {
    return `${(after.sum("slirpnetstack_device_bytes_total", { direction }) / 1e9).toFixed(1)} GB`;
  }
}

function picture(samples: readonly Sample[]): string {
  const curve = (of: (sample: Sample) => number): Point[] => samples.map((one) => ({ at: one.at, value: of(one) }));
  const rate = (of: (sample: Sample) => number): Point[] =>
    samples.slice(1).map((one, i) => ({ at: one.at, value: (of(one) - of(samples[i])) / (one.at - samples[i].at) }));
  return plot(`slirpnetstack, ${(seconds / 60).toFixed(0)} minutes of mixed load`, [
    { title: "resident memory, MiB", points: curve((one) => one.residentBytes / MIB) },
    { title: "JavaScript heap in use, MiB", points: curve((one) => one.heapBytes / MIB) },
    { title: "TCP buffers, MiB", points: curve((one) => one.bufferBytes / MIB) },
    { title: "open descriptors", points: curve((one) => one.descriptors) },
    { title: "open connections and associations", points: curve((one) => one.openFlows) },
    { title: "new connections and associations a second", points: rate((one) => one.connections) },
    { title: "CPU, cores", points: rate((one) => one.cpuSeconds) },
  ]);
}
