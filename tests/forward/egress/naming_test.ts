import { RealNaming } from "../../../forward/egress/naming.ts";
import { EgressRules } from "../../../forward/egress/egress_rules.ts";
import { NameRefusals } from "../../../forward/policy/names/name_refusals.ts";
import { isMet } from "../../../forward/policy/names/demand.ts";
import { RealAddresses } from "../../../forward/policy/names/real_addresses.ts";
import { type NameRule, parseRules } from "../../../forward/policy/names/rule.ts";
import { Policy } from "../../../forward/policy/policy.ts";
import { parseRanges } from "../../../forward/policy/range.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { assertEquals } from "../../assert.ts";
import { endpoint } from "../bed/fakes.ts";

const SHARED = IpAddress.parse("192.0.2.1"), FROM = { guest: endpoint("10.0.2.100:1"), to: endpoint("192.0.2.1:443") };

async function realNaming(): Promise<RealNaming> {
  const noNames = () => Promise.reject(new Error("a name"));
  const policy = new Policy({
    allow: await parseRanges("192.0.2.0/24:80", noNames),
    deny: [],
    enableHost: false,
    enableRouting: false,
    hostNetworks: { contains: () => false },
  });
  return new RealNaming(new RealAddresses(10), policy, () => 0);
}

Deno.test("-names real: the guest is told the real addresses, and flows to them go there", async () => {
  const naming = await realNaming();
  assertEquals(naming.has("a.example"), false, "before");
  const told = naming.tell("a.example", 1, [SHARED], 30_000);
  assertEquals(told.addresses, [SHARED]);
  assertEquals(told.ttl, 30, "the time of the answer");
  const [entry, ...others] = naming.at(SHARED.bytes, 0, 4);
  assertEquals(others, []);
  assertEquals(entry.name, "a.example");
  assertEquals(`${entry.pinned}`, "192.0.2.1", "that very address");
  assertEquals(naming.has("a.example"), true, "after");
});

Deno.test("-names real: addresses of no name, and those that a range allows, are not its affair", async () => {
  const naming = await realNaming();
  const takes = (port: number) => naming.takes("tcp", SHARED.bytes, 0, 4, port);
  assertEquals(takes(443), false, "no name was asked for");
  naming.tell("a.example", 1, [SHARED], 30_000);
  assertEquals(takes(443), true, "the name's");
  assertEquals(takes(80), false, "the range's");
});

/** Decides about port 443 of an address of those names. */
function decide(rules: string, ...names: string[]) {
  const refusals: string[] = [];
  const told = new NameRefusals(({ name, reason }) => refusals.push(`${name} ${reason}`));
  const made = new EgressRules(parseRules(rules) as readonly NameRule[], told);
  const decided = made.decide("tcp", names.map((name) => ({ name })), 443, FROM);
  return { made, refusals, decided };
}

Deno.test("names that share an address: a flow may show any that rules allow alike, and no other", () => {
  const { decided, made, refusals } = decide("a.example,b.example", "x.example", "a.example", "b.example");
  const demand = decided!.demand!;
  assertEquals(["a.example", "b.example", "x.example"].map((name) => isMet(demand, name)), [true, true, false]);
  assertEquals(refusals, [], "one that is not allowed is no refusal");
  made.replace(parseRules("b.example") as readonly NameRule[]);
  assertEquals(made.stillAllows("tcp", "a.example", 443, demand), true, "one of them still is");
  made.replace([]);
  assertEquals(made.stillAllows("tcp", "a.example", 443, demand), false, "none is");
});

Deno.test("names that share an address: the rule that asks for least counts, and others' demands are not mixed in", () => {
  const raw = decide("a.example,tcp://b.example:443", "a.example", "b.example").decided!;
  assertEquals(raw.demand, null);
  assertEquals(raw.entry.name, "b.example");
  const mixed = decide("a.example,http://b.example:443,c.example?ech=on", "a.example", "b.example", "c.example")
    .decided!;
  assertEquals(mixed.demand!.shows, "tls");
  assertEquals(mixed.demand!.others, undefined, "HTTP and ECH are other demands");
});

Deno.test("names that share an address: none is allowed", () => {
  const { decided, refusals } = decide("c.example,!b.example", "a.example", "b.example");
  assertEquals(decided, null);
  assertEquals(refusals.length, 1, "one refusal");
});
