/** An idle program takes no CPU time. */
import { WORLD } from "../../../scripts/lab/lab.ts";
import { clientCommand } from "../../../scripts/lab/services.ts";
import { cpuTime } from "../../../scripts/lab/usage.ts";
import { assert } from "../../assert.ts";
import { Bed, e2e, kindName, KINDS } from "../bed/bed.ts";

const SECONDS = 10;

e2e("idle for 10 s with open connections, the program takes under 1 % CPU on every kind of device", async () => {
  await using beds = new AsyncDisposableStack();
  const watched = await Promise.all(KINDS.map(async (kind) => {
    const bed = beds.use(await Bed.create(kind));
    for (const address of [WORLD.v4, WORLD.v6]) {
      const client = bed.lab.start(bed.guest, clientCommand("hold", address, 5));
      await client.line("stdout", /"open": 5/);
      await bed.client("udp", address, 7, 1);
    }
    return { kind, pid: bed.program.pid };
  }));
  const before = watched.map(({ pid }) => cpuTime(pid));
  const start = performance.now();
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000)); // the idle time itself
  const elapsed = (performance.now() - start) / 1000;
  for (const [index, { kind, pid }] of watched.entries()) {
    const share = (cpuTime(pid) - before[index]) / elapsed;
    assert(share < 0.01, `${kindName(kind)}: ${(share * 100).toFixed(2)} %`);
  }
});
