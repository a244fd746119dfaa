/** After a load, the program gives back the memory that it took. It runs in the sandbox, which is the harder case. */
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
/** The most kept ten seconds after a load: parts of the runtime and code used for the first time. */
const MOST_KEPT_MIB = 30, PATIENCE_MS = 10_000;

interface Load {
  readonly name: string;
  readonly mtu: number;
  /** The least that the load takes: more than may be kept, where memory is not given back by itself. */
  readonly leastTakenMib: number;
  /** Applies the load, calls `atPeak` at its peak where that is known, and resolves when the load has ended. */
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
