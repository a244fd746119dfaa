/**
 * The time of day jumps while the program runs, as it does when a machine wakes up or first sets its clock. The
 * machine's own clock is not touched: a preloaded library shows the program and its runtime another time
 * (clock_shift.c).
 */
import { WORLD } from "../../../scripts/lab/lab.ts";
import { startResolver } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { CROWDED_DNS_IDLE_MS, SWEEP_MS } from "../../../forward/limits/timeouts.ts";
import { assert, assertEquals } from "../../assert.ts";
import { e2eWith } from "../bed/bed.ts";
import { ask, assertServing, limit, MisfortuneBed, start } from "../bed/misfortune_bed.ts";
import { field } from "../bed/reports.ts";

const beds = new MisfortuneBed();
const SOURCE = new URL("../../../scripts/lab/clock_shift.c", import.meta.url).pathname;

const DAY = 86_400;
const SECONDS = { forth: 400 * DAY, back: -400 * DAY };

/** The seconds of a capture's packets: big-endian headers of 16 bytes behind one of 24. */
function captured(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer), times: number[] = [];
  for (let at = 24; at + 16 <= bytes.length; at += 16 + view.getUint32(at + 8)) times.push(view.getUint32(at));
  return times;
}

e2eWith(
  "cc",
  "the time of day jumps by 400 days, and back by 800: what is open goes on, and what is idle ends in its time",
  async () => {
    const { lab } = await beds.with();
    const library = `${lab.directory}/clock_shift.so`, file = `${lab.directory}/shift`;
    const capture = `${lab.directory}/clock.pcap`;
    await lab.host.check(["cc", "-shared", "-fPIC", "-o", library, SOURCE]);
    await Deno.writeFile(file, new Uint8Array(8));
    const jump = async (seconds: number) => {
      // the program has it mapped, so it must not be shorter meanwhile
      using shift = await Deno.open(file, { write: true });
      await shift.write(new Uint8Array(BigInt64Array.of(BigInt(seconds)).buffer));
    };
    await startResolver(lab, lab.world, [WORLD.v4], {});
    const wrapper = ["env", `LD_PRELOAD=${library}`, `CLOCK_SHIFT=${file}`];
    // with so small a table, a question ends after 10 s
    const bed = await beds.with(["-pcap", capture, "-max-udp-associations", "1"], wrapper);
    const associations = async () => (await limit(bed, "udp_associations")).current;
    const [talker] = await start(bed, "talk", WORLD.v4);
    await bed.guest.check(["dig", `@${WORLD.v4}`, "+tries=1", "world.test"]);
    assertEquals(await associations(), 1);

    await jump(SECONDS.forth);
    await new Promise((resolve) => setTimeout(resolve, 2 * SWEEP_MS)); // only time can tell whether it ends too early
    assertEquals(await associations(), 1);
    assertEquals(field(await ask(talker), "echoed"), true);
    await assertServing(bed, 1);

    await jump(SECONDS.back);
    assertEquals(field(await ask(talker), "echoed"), true);
    await assertServing(bed, 1);
    await until("the end of what is idle", CROWDED_DNS_IDLE_MS + 5 * SWEEP_MS, async () => await associations() === 0);
    await talker.sayEnd();

    assertEquals(await bed.program.stop(), 0);
    const now = Date.now() / 1000, times = captured(await Deno.readFile(capture));
    for (const seconds of [0, SECONDS.forth, SECONDS.back]) {
      assert(times.some((time) => Math.abs(time - now - seconds) < DAY), `the program has never seen ${seconds}`);
    }
  },
);
