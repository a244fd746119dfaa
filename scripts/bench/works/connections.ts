/**
 * Ten thousand connections: opened, echoing, held idle, and closed.
 *
 * Each sample has a guest and a process of its own, so that its figures do not include an earlier sample. All
 * connections must open and echo, or the sample fails.
 *
 * @module
 */
import { WORLD } from "../../lab/lab.ts";
import { until } from "../../lab/until.ts";
import type { Seat } from "../bed/bed.ts";
import { instrumentCommand } from "../bed/run_instrument.ts";
import { treeCpuTime, treeDescriptors, treeMemory } from "../bed/process_tree.ts";
import type { Work } from "../bed/work.ts";
import { delay } from "../../lab/timing.ts";

const MTU = 65_520;
const COUNT = 10_000;
/** Seconds for a peer to open them all. slirp4netns searches a list for each packet. */
const LIMIT = 20;
/** Seconds after closing for a peer to give back descriptors and memory. */
const RETURN_LIMIT = 8;
/** Seconds in which a program may finish pending work, such as giving memory back, before it counts as idle. */
const REST = 9;
/** Descriptors that a program may open for good on first use. */
const SLACK = 8;
const KIB = 1024;
const MIB = KIB * KIB;

/** The measurement of ten thousand connections, which are held idle for `seconds`. */
export function connectionsWork(rounds: number, seconds: number): Work {
  const figure = (id: string, name: string, unit: string, better: "more" | "less" = "less") => ({
    id: `connections-${id}`,
    name: `${COUNT.toLocaleString("en-GB")} connections: ${name}`,
    unit,
    better,
  });
  return {
    id: "connections",
    mtu: MTU,
    rounds,
    seconds,
    figures: [
      figure("open", "time to open all", "s"),
      figure("echo", "of which echo", "", "more"),
      figure("memory", "memory for each", "KiB"),
      figure("idle", "CPU while idle", "%"),
      figure("descriptors", "descriptors kept after closing", ""),
      figure("returned", "memory kept after closing", "MiB"),
    ],
    async sample(shared, seconds) {
      const seat = await shared.bed.newSeat(shared.peer, MTU);
      try {
        return await sample(seat, seconds);
      } finally {
        await seat.process?.stop();
      }
    },
  };
}

async function sample({ guest, process }: Seat, seconds: number): Promise<(number | null)[]> {
  const before = process === null ? null : { memory: treeMemory(process.pid), files: treeDescriptors(process.pid) };
  await using client = guest.start(instrumentCommand("crowd", WORLD.v4, LIMIT, COUNT));
  const patience = LIMIT + 30;
  const said = await client.line("stdout", /^(\{.*\})$/, 1000 * patience).catch((cause) => {
    throw new Error(`not all ${COUNT} were opened and had their echo after ${patience} s`, { cause });
  });
  const { open, seconds: taken, reason, echoed } = JSON.parse(said[1]);
  if (open < COUNT) throw new Error(`opened ${open} of ${COUNT} in ${taken.toFixed(1)} s: ${reason ?? "out of time"}`);
  if (echoed < COUNT) throw new Error(`${echoed} of ${COUNT} connections echoed`);
  if (process === null || before === null) return [taken, echoed, null, null, null, null];
  const { pid } = process;
  const memory = treeMemory(pid) - before.memory;
  const idle = await idleShare(pid, seconds);
  await client.sayEnd();
  await client.end();
  await until("descriptors to be closed", 1000 * RETURN_LIMIT, () => treeDescriptors(pid) <= before.files + SLACK)
    .catch(() => {}); // the figure says how many are left
  await settle(pid);
  return [
    ...[taken, echoed, memory / COUNT / KIB, idle * 100],
    ...[Math.max(0, treeDescriptors(pid) - before.files), (treeMemory(pid) - before.memory) / MIB],
  ];
}

/** The share of one CPU that it uses once pending work is done. */
async function idleShare(pid: number, seconds: number): Promise<number> {
  await delay(REST * 1000);
  const [before, start] = [treeCpuTime(pid), performance.now()];
  await delay(seconds * 1000);
  return (treeCpuTime(pid) - before) / ((performance.now() - start) / 1000);
}

/** Waits until its memory has not shrunk for a second, or the time limit is over. */
async function settle(pid: number): Promise<void> {
  const end = performance.now() + 1000 * RETURN_LIMIT;
  for (let [least, since] = [Infinity, performance.now()]; performance.now() < end;) {
    const memory = treeMemory(pid);
    if (memory < least) [least, since] = [memory, performance.now()];
    else if (performance.now() - since > 1000) return;
    await delay(100);
  }
}
