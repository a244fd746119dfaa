import { Egress } from "../../../forward/egress/egress.ts";
import { PolicyControl } from "../../../forward/egress/policy_control.ts";
import { PolicyFault, readPolicy } from "../../../forward/policy/file/policy_file.ts";
import { DEFAULT_LIMITS } from "../../../forward/limits/limits.ts";
import { parseRule } from "../../../forward/policy/names/rule.ts";
import { prepareRules } from "../../../forward/policy/names/rule_list.ts";
import { Policy } from "../../../forward/policy/policy.ts";
import { NO_OBSERVERS } from "../../../forward/report/flow_observers.ts";
import { ConnectionCount } from "../../../forward/tcp/connection_count.ts";
import { Dials } from "../../../forward/tcp/dials.ts";
import { OutgoingFlows } from "../../../forward/tcp/outgoing.ts";
import { Associations } from "../../../forward/udp/associations.ts";
import { IdleTable } from "../../../forward/udp/idle_table.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { DEFAULT_ADDRESSES } from "../../../stack/link/addresses.ts";
import { assertEquals, assertRejects } from "../../assert.ts";
import { FakeHost } from "../bed/fake_host.ts";
import { endpoint, FakeRequest, FakeScheduler, FakeStream, settled } from "../bed/fakes.ts";
import { guestDatagram, guestSender } from "../bed/guest_datagram.ts";

/** Rules, each with its end, and the guest's flows under them; the host defines all names, by that address. */
async function setup(rules: readonly (readonly [text: string, until: number | null])[], defined = "192.0.2.1") {
  const scheduler = new FakeScheduler(), host = new FakeHost(), connections = new ConnectionCount(10);
  const wallClock = () => scheduler.now();
  const policy = new Policy({
    allow: [],
    deny: [],
    enableHost: false,
    enableRouting: false,
    hostNetworks: { contains: () => false },
  });
  const egress = new Egress({
    rules: await prepareRules(rules.map(([text, until]) => parseRule(text, until))),
    allow: [],
    deny: [],
    policy,
    local: { has: () => true, addresses: () => [IpAddress.parse(defined)] },
    now: () => scheduler.now(),
    wallClock,
    leastTtl: 0,
    names: "own",
    limits: DEFAULT_LIMITS,
    refused: () => {},
  });
  const outgoing = new OutgoingFlows({ dials: new Dials(host, scheduler), connections, scheduler });
  const unused = { relay: () => {}, unreachable: () => {}, packetTooBig: () => {} };
  const udp = { host, scheduler, idle: new IdleTable(scheduler), guest: guestSender([]), icmp: unused };
  const shown = (local: ReturnType<typeof endpoint>) => local;
  const observer = NO_OBSERVERS.routedUdp;
  const associations = new Associations({ ...udp, shown, policy, own: DEFAULT_ADDRESSES, observer });
  const traffic = egress.attach({
    tcp: { outgoing, connections, scheduler, maxLookups: 4 },
    udp: { ...udp, shown },
    routed: { outgoing, associations },
    observers: NO_OBSERVERS,
  });
  /** An open connection of the guest. */
  const connected = async (to: string | null) => {
    const [address] = egress.naming.tell("a.example", 1, [], 0)!.addresses;
    const request = new FakeRequest(to === null ? { address, port: 22 } : endpoint(to));
    if (to === null) traffic.takeRequest(request);
    else outgoing.request(request, request.local, NO_OBSERVERS.routedTcp);
    host.dials.at(-1)!.answer.resolve(new FakeStream());
    await settled();
    assertEquals(request.verdict, "accepted");
    return request.flow;
  };
  return { scheduler, host, egress, policy, associations, traffic, connected };
}

const START = 1_000; // of the simulated clock

Deno.test("a rule that ends takes its flows with it, by name and by address, and leaves the others", async () => {
  const bed = await setup([
    ["tcp://a.example:22", START + 5_000],
    ["192.0.2.7:80", START + 9_000],
    ["192.0.2.8:80", null],
    ["udp://192.0.2.7:80", START + 9_000],
  ]);
  const byName = await bed.connected(null), byAddress = await bed.connected("192.0.2.7:80");
  const stays = await bed.connected("192.0.2.8:80");
  bed.associations.takeDatagram(guestDatagram("10.0.2.100:4000", "192.0.2.7:80", "x"));
  bed.scheduler.advance(4_999);
  assertEquals(byName.aborts, 0, "before its rule ends");
  bed.scheduler.advance(1);
  assertEquals(byName.aborts, 1, "when its rule ends");
  assertEquals(byAddress.aborts, 0, "another rule");
  assertEquals(bed.associations.size, 1, "the association, before its rule ends");
  bed.scheduler.advance(4_000);
  assertEquals(byAddress.aborts, 1, "when that ends");
  assertEquals(bed.associations.size, 0, "and the association");
  assertEquals(stays.aborts, 0, "a rule without an end");
  const { address, port } = endpoint("192.0.2.7:80");
  assertEquals(bed.policy.verdict("tcp", address, port).allowed, false, "the address is closed");
});

Deno.test("the end of a rule that was replaced ends nothing", async () => {
  const bed = await setup([["tcp://a.example:22", START + 5_000]]);
  const flow = await bed.connected(null);
  bed.egress.replace(await prepareRules([parseRule("tcp://a.example:22", START + 60_000)]));
  bed.scheduler.advance(5_000);
  assertEquals(flow.aborts, 0, "at the end of the former rule");
  bed.scheduler.advance(55_000);
  assertEquals(flow.aborts, 1, "at the end of the later one");
});

Deno.test("new rules take effect on ranges, names and open flows at once", async () => {
  const bed = await setup([["192.0.2.7:80", null], ["tcp://a.example:22", null]]);
  const byName = await bed.connected(null), byAddress = await bed.connected("192.0.2.7:80");
  bed.egress.replace({ names: [], addresses: [] });
  assertEquals(byName.aborts, 1, "by name");
  assertEquals(byAddress.aborts, 1, "by address");
  assertEquals(bed.egress.rules.generation, 2);
});

Deno.test("a policy replaces all rules but those of -only, and a fault leaves them", async () => {
  const bed = await setup([["192.0.2.7:80", null]]);
  const fixed = (await prepareRules([parseRule("192.0.2.9:80")])).addresses;
  const control = new PolicyControl(bed.egress, fixed, readPolicy);
  assertEquals(control.shown, { generation: 1, rules: ["192.0.2.7:80"] });
  assertEquals(
    await control.replace("p", '{ "version": 1, "rules": [{ "allow": "tcp://a.example:22", "id": "ssh" }] }'),
    2,
  );
  assertEquals(control.shown, { generation: 2, rules: ["ssh", "192.0.2.9:80"] });
  await assertRejects(() => control.replace("p", "{"), PolicyFault, "p:1:2");
  assertEquals(control.shown.generation, 2, "a fault");
});

Deno.test("a name that the host defines may lead into the host, if a rule is about that name: a wildcard is not", async () => {
  for (const [rule, verdict] of [["tcp://a.w.example:22", null], ["tcp://*.w.example:22", "refused"]] as const) {
    const bed = await setup([[rule, null]], "127.0.0.1");
    const [address] = bed.egress.naming.tell("a.w.example", 1, [], 0)!.addresses;
    const request = new FakeRequest({ address, port: 22 });
    bed.traffic.takeRequest(request);
    assertEquals(request.verdict, verdict, rule);
    assertEquals(bed.host.dials.length, verdict === null ? 1 : 0, rule);
  }
});
