/** Limits that are reached: the rule of each applies, others are served meanwhile, and all is well afterwards. */
import { NOWHERE, WORLD } from "../../../scripts/lab/lab.ts";
import { openDescriptors } from "../../../scripts/lab/usage.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals } from "../../assert.ts";
import { e2e } from "../bed/bed.ts";
import { assertServing, limit, metrics, MisfortuneBed, start } from "../bed/misfortune_bed.ts";
import { field } from "../bed/reports.ts";

const beds = new MisfortuneBed();

e2e("a SYN flood to a host that answers, and one to a host that doesn't: real clients get through", async () => {
  const bed = await beds.with(["-quiet", "-max-half-open", "512", "-max-dials=512"]);
  await bed.lab.world.ip(`route add blackhole ${NOWHERE.v4}/32`);
  const [answered] = await start(bed, "syn-flood", WORLD.v4, 7);
  const [silent] = await start(bed, "syn-flood", NOWHERE.v4, 80);
  await until(
    "floods that fill the limits",
    10_000,
    async () => (await limit(bed, "half_open")).overflows > 100 && (await limit(bed, "dials")).overflows > 100,
  );
  await assertServing(bed, 10);
  for (const resource of ["half_open", "dials"]) {
    const { current, max } = await limit(bed, resource);
    assert(current <= max, `${resource}: ${current} of ${max}`);
  }
  await Promise.all([answered.sayEnd(), silent.sayEnd()]);
  await bed.lab.world.ip(`route delete blackhole ${NOWHERE.v4}/32`);
});

e2e("-max-tcp-connections: one more is refused at once, and welcome when another has ended", async () => {
  const bed = await beds.with(["-max-tcp-connections", "20"]);
  const [holder, report] = await start(bed, "many", WORLD.v4, 25);
  assertEquals(report, { open: 20, errors: { ECONNREFUSED: 5 } });
  assertEquals(await limit(bed, "tcp_connections"), { current: 20, max: 20, overflows: 5 });
  assertEquals(await bed.client("udp", WORLD.v4, 7, 100), [{ size: 100, error: null }]);
  await holder.sayEnd();
  await until("the end of all", 5_000, async () => (await limit(bed, "tcp_connections")).current === 0);
  await assertServing(bed);
});

e2e("-max-udp-associations: the one idle longest is evicted", async () => {
  const bed = await beds.with(["-max-udp-associations=4"]);
  assertEquals(
    await bed.client("udp", WORLD.v4, 7, 1, 2, 3, 4, 5, 6),
    [1, 2, 3, 4, 5, 6].map((size) => ({ size, error: null })),
  );
  assertEquals(await limit(bed, "udp_associations"), { current: 4, max: 4, overflows: 2 });
});

e2e("-max-pings and -max-ping-identifiers: the oldest makes room", async () => {
  const bed = await beds.with(["-icmp", "auto", "-max-pings", "3", "-max-ping-identifiers", "2"]);
  const ping = (address: string, ...flags: readonly string[]) => bed.guest.run(["ping", "-n", ...flags, address]);
  for (const address of [WORLD.v4, WORLD.v6, WORLD.v4]) {
    assertEquals((await ping(address, "-c", "1", "-W", "5")).code, 0, address);
  }
  assertEquals(await limit(bed, "ping_identifiers"), { current: 2, max: 2, overflows: 1 });
  assertEquals(await limit(bed, "pings"), { current: 0, max: 3, overflows: 0 });
  await bed.lab.world.ip(`route add blackhole ${NOWHERE.v4}/32`);
  await ping(NOWHERE.v4, "-c", "5", "-i", "0.01", "-W", "0.1");
  assertEquals(await limit(bed, "pings"), { current: 3, max: 3, overflows: 2 });
  assertEquals((await ping(WORLD.v4, "-c", "1", "-W", "5")).code, 0);
  await bed.lab.world.ip(`route delete blackhole ${NOWHERE.v4}/32`);
});

e2e("few descriptors: idle UDP associations don't shut out connections and questions", async () => {
  const bed = await beds.with([], ["sh", "-c", 'ulimit -n 80; exec "$@"', "sh"]);
  const sizes = Array.from({ length: 100 }, (_, i) => i + 1);
  assertEquals(
    await bed.client("udp", WORLD.v4, 7, ...sizes),
    sizes.map((size) => ({ size, error: null })),
    "every datagram is answered",
  );
  const { current, max, overflows } = await limit(bed, "udp_associations");
  assert(8 <= max && max <= 40, `half of the free descriptors: ${max}`);
  assertEquals(current, max, "associations");
  // the guest's kernel chooses the ports by chance, and may choose one again whose association is still there
  const most = 100 - max;
  assert(most - 5 <= overflows && overflows <= most, `associations that made room: ${overflows} of ${most}`);
  await assertServing(bed);
  const [holder, report] = await start(bed, "many", WORLD.v4, max + 5);
  assertEquals(report, { open: max + 5, errors: {} }, "connections, for which associations end");
  assert((await limit(bed, "udp_associations")).current < max, "some have ended");
  await holder.sayEnd();
});

e2e(
  "out of descriptors: what needs one is refused at once and counted, what is there goes on, and later all is well",
  async () => {
    const bed = await beds.with([], ["sh", "-c", 'ulimit -n 80; exec "$@"', "sh"]);
    await assertServing(bed);
    const idle = openDescriptors(bed.program.pid);
    const [talker] = await start(bed, "talk", WORLD.v4);
    const [holder, report] = await start(bed, "many", WORLD.v4, 100);
    const open = Number(field(report, "open"));
    assert(20 <= open && open < 80, JSON.stringify(report));
    assertEquals(field(report, "errors"), { ECONNREFUSED: 100 - open });
    await talker.say("still there?\n");
    await talker.line("stdout", /"echoed": true/);
    const [udp] = await bed.client("udp", WORLD.v4, 7, 100) as { error: unknown }[];
    assertEquals(udp!.error, "ECONNREFUSED");
    await holder.sayEnd();
    await talker.sayEnd();
    await until("the descriptors to be given back", 10_000, () => openDescriptors(bed.program.pid) <= idle + 2);
    await assertServing(bed);
    const all = await metrics(bed);
    assertEquals(all.get('slirpnetstack_limit_max{resource="descriptors"}'), 80);
    assert(all.get('slirpnetstack_limit_overflows_total{resource="descriptors"}')! >= 100 - open);
    assertEquals(
      all.get('slirpnetstack_connections_total{kind="routed",network="tcp",outcome="resources"}'),
      100 - open,
    );
  },
);
