/** A reader that is slower than its writer stops the writer, and costs no more memory than a connection's buffers. */
import { WORLD } from "../../../scripts/lab/lab.ts";
import { residentMemory } from "../../../scripts/lab/usage.ts";
import { assert, assertEquals } from "../../assert.ts";
import { BedKeeper, e2e, kindName, KINDS, VERSIONS } from "../bed/bed.ts";

const SECONDS = 10;
/** Bytes at the readers' rate of 1 MB/s, with some tolerance. */
const [LEAST, MOST] = [SECONDS * 0.8e6, SECONDS * 1.25e6];
const MAX_GROWTH = 32 * 1024 * 1024;

const keeper = new BedKeeper();
for (const kind of KINDS) {
  e2e(`${kindName(kind)}: readers at 1 MB/s on either side, IPv4 and IPv6, stop fast writers`, async () => {
    const bed = await keeper.on(kind);
    for (const version of VERSIONS) await bed.client("half-close", WORLD[version]); // allocates what is allocated once
    const before = residentMemory(bed.program.pid);
    let most = before;
    const sampler = setInterval(() => most = Math.max(most, residentMemory(bed.program.pid)), 100);
    try {
      await Promise.all(VERSIONS.flatMap((version) => [
        bed.client("slow-read", WORLD[version], SECONDS).then((report) => {
          const { bytes, rest } = split(report);
          assertEquals(rest, { intact: true });
          assert(LEAST < bytes && bytes < MOST, `the guest read ${bytes} bytes over IP${version}`);
        }),
        bed.client("fast-write", WORLD[version], SECONDS).then((report) => {
          const { rest } = split(report);
          const match = /^(\d+) (intact|damaged)$/.exec(String(rest.verdict));
          assert(match !== null, `the server said ${rest.verdict}`);
          assertEquals(match[2], "intact");
          assert(LEAST < Number(match[1]) && Number(match[1]) < MOST, `the server read ${match[1]} over IP${version}`);
        }),
      ]));
    } finally {
      clearInterval(sampler);
    }
    assert(most - before < MAX_GROWTH, `memory grew from ${before} to ${most} bytes`);
  });
}

function split(report: unknown): { bytes: number; rest: Record<string, unknown> } {
  assert(typeof report === "object" && report !== null && "bytes" in report);
  const { bytes, ...rest } = report;
  return { bytes: Number(bytes), rest };
}
