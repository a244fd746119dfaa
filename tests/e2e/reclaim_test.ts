/** Thousands of connections end, and the program gives back the memory that they took: confined, as that is the harder. */
import { instrumentCommand, startInstrument } from "../../scripts/bench/instrument.ts";
import { makeDevice } from "../../scripts/lab/device.ts";
import { Lab, WORLD } from "../../scripts/lab/lab.ts";
import { startProgram } from "../../scripts/lab/program.ts";
import { until } from "../../scripts/lab/until.ts";
import { residentMemory } from "../../scripts/lab/usage.ts";
import { assert } from "../assert.ts";
import { e2e } from "./bed.ts";

const COUNT = 4_000;
const MIB = 1024 * 1024;
/** What they take at the least, all together, and what may be kept of it: parts of the runtime that were used first. */
const LEAST_TAKEN_MIB = 30, MOST_KEPT_MIB = 20;

e2e(`${COUNT} connections end: what they took of memory is given back, in the sandbox too`, async () => {
  await using lab = await Lab.create();
  await startInstrument(lab, [WORLD.v4]);
  const guest = await lab.guest();
  await makeDevice(guest, { mode: "tap", mtu: 65_520 });
  const program = lab.adopt(await startProgram(lab.host, guest, ["-quiet", "-sandbox"]));
  const before = residentMemory(program.pid);
  const grown = () => (residentMemory(program.pid) - before) / MIB;

  await using crowd = guest.start(instrumentCommand("crowd", WORLD.v4, 30, COUNT));
  await crowd.line("stdout", new RegExp(`"open":${COUNT},`), 60_000);
  const taken = grown();
  assert(taken > LEAST_TAKEN_MIB, `they take ${taken} MiB`);
  await crowd.sayEnd();
  await crowd.end();
  await until(`${taken} MiB to be given back`, 20_000, () => grown() < MOST_KEPT_MIB);
});
