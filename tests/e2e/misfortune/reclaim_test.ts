/** A load ends, and the program gives back the memory that it took: confined, as that is the harder. */
import { instrument, instrumentCommand, startInstrument } from "../../../scripts/bench/bed/run_instrument.ts";
import { makeDevice } from "../../../scripts/lab/device.ts";
import { iperf } from "../../../scripts/lab/iperf.ts";
import { Lab, WORLD } from "../../../scripts/lab/lab.ts";
import type { Namespace } from "../../../scripts/lab/namespace.ts";
import { startProgram } from "../../../scripts/lab/program.ts";
import { startIperf } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { residentMemory } from "../../../scripts/lab/usage.ts";
import { assert } from "../../assert.ts";
import { e2e } from "../bed/bed.ts";

const CROWD = 4_000;
const MIB = 1024 * 1024;
/** What may be kept ten seconds after a load: parts of the runtime and code that were used first. */
const MOST_KEPT_MIB = 30, PATIENCE_MS = 10_000;

interface Load {
  readonly name: string;
  readonly mtu: number;
  /** What it takes at the least; more than may be kept, where nothing would be given back by itself. */
  readonly leastTakenMib: number;
  /** Puts the load on, calls `atPeak` where it can be known, and resolves when it has ended. */
  run(guest: Namespace, atPeak: () => void): Promise<void>;
}

const LOADS: readonly Load[] = [
  {
    name: `${CROWD} connections`,
    mtu: 65_520,
    leastTakenMib: MOST_KEPT_MIB,
    async run(guest, atPeak) {
      await using crowd = guest.start(instrumentCommand("crowd", WORLD.v4, 30, CROWD));
      await crowd.line("stdout", new RegExp(`"open":${CROWD},`), 60_000);
      atPeak();
      await crowd.sayEnd();
      await crowd.end();
    },
  },
  {
    name: "8 parallel downloads of 2 s",
    mtu: 1500,
    leastTakenMib: MOST_KEPT_MIB,
    async run(guest) {
      await iperf(guest, WORLD.v4, ["--time", "2", "--parallel", "8", "--reverse"]);
    },
  },
  {
    name: "8 parallel uploads of 2 s",
    mtu: 65_520,
    leastTakenMib: 5,
    async run(guest) {
      await iperf(guest, WORLD.v6, ["--time", "2", "--parallel", "8"]);
    },
  },
  {
    name: "floods of datagrams, 1 s each way",
    mtu: 65_520,
    leastTakenMib: 2,
    async run(guest) {
      await instrument(guest, "datagrams", WORLD.v4, 1, "out", "flood", 1400);
      await instrument(guest, "datagrams", WORLD.v4, 1, "in", "flood", 1400);
    },
  },
];

for (const { name, mtu, leastTakenMib, run } of LOADS) {
  e2e(`${name} end: what they took of memory is given back, in the sandbox too`, async () => {
    await using lab = await Lab.create();
    await Promise.all([startInstrument(lab, [WORLD.v4, WORLD.v6]), startIperf(lab)]);
    const guest = await lab.guest();
    await makeDevice(guest, { mode: "tap", mtu });
    const program = lab.adopt(await startProgram(lab.host, guest, ["-quiet", "-sandbox"]));
    const before = residentMemory(program.pid);
    const grown = () => (residentMemory(program.pid) - before) / MIB;

    let taken = 0;
    const look = () => taken = Math.max(taken, grown());
    const watch = setInterval(look, 100);
    try {
      await run(guest, look);
    } finally {
      clearInterval(watch);
    }
    look();
    assert(taken > leastTakenMib, `${taken} MiB taken`);
    await until(`${taken} MiB to be given back`, PATIENCE_MS, () => grown() < MOST_KEPT_MIB);
  });
}
