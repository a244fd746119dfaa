import { assert, assertEquals } from "../../assert.ts";
import { Policy, type PolicyOptions } from "../../../forward/policy/policy.ts";
import { Prefix, PrefixSet } from "../../../forward/policy/prefix.ts";
import { parseRanges, type PolicyNetwork } from "../../../forward/policy/range.ts";
import { IpAddress } from "../../../stack/address.ts";

const hostNetworks = new PrefixSet(["192.168.1.0/24", "3ffe::/64"].map(Prefix.parse));

/** The flags, and ranges as they are written; the default where nothing is said. */
type Rules = Partial<Pick<PolicyOptions, "enableHost" | "enableRouting">> & { allow?: string; deny?: string };

async function policy({ allow = "", deny = "", ...flags }: Rules): Promise<Policy> {
  const ranges = (text: string) =>
    text === "" ? [] : parseRanges(text, () => Promise.reject(new Error("no names here")));
  return new Policy({
    enableHost: false,
    enableRouting: true,
    hostNetworks,
    ...flags,
    allow: await ranges(allow),
    deny: await ranges(deny),
  });
}

function check(policy: Policy, cases: [PolicyNetwork, string, number, string][]): void {
  for (const [network, address, port, expected] of cases) {
    const { allowed, rule } = policy.decide(network, IpAddress.parse(address), port);
    assertEquals(`${allowed ? "yes" : "no"}: ${rule}`, expected, `${network} ${address} ${port}`);
  }
}

Deno.test("with no flag: the world is open, the host's networks and the static list are closed", async () => {
  check(await policy({}), [
    ["tcp", "192.0.2.1", 80, "yes: routing"],
    ["udp", "2001:db8::1", 53, "yes: routing"],
    ["icmp", "192.0.2.1", 0, "yes: routing"],
    ["tcp", "192.168.1.100", 80, "no: host"],
    ["udp", "3ffe::100", 53, "no: host"],
    ["icmp", "192.168.1.100", 0, "no: host"],
    ["tcp", "127.0.0.1", 80, "no: static"],
    ["tcp", "10.0.2.2", 80, "no: static"],
    ["udp", "::1", 53, "no: static"],
    ["udp", "224.0.0.251", 5353, "no: static"],
    ["tcp", "169.254.169.254", 80, "no: static"],
  ]);
});

Deno.test("the two flags", async () => {
  check(await policy({ enableHost: true, enableRouting: false }), [
    ["tcp", "192.0.2.1", 80, "no: routing"],
    ["tcp", "192.168.1.100", 80, "yes: host"],
    ["tcp", "3ffe::100", 80, "yes: host"],
    ["tcp", "127.0.0.1", 80, "no: static"],
  ]);
  for (const both of [true, false]) {
    const decided = await policy({ enableHost: both, enableRouting: both });
    for (const address of ["192.0.2.1", "192.168.1.100"]) {
      assertEquals(decided.decide("tcp", IpAddress.parse(address), 80).allowed, both);
    }
    assertEquals(decided.decide("tcp", IpAddress.parse("127.0.0.1"), 80).allowed, false);
  }
});

Deno.test("the host's networks are not asked when it makes no difference", () => {
  const never = {
    contains(): boolean {
      throw new Error("asked");
    },
  };
  const open = new Policy({ allow: [], deny: [], enableHost: true, enableRouting: true, hostNetworks: never });
  assert(open.decide("tcp", IpAddress.parse("192.168.1.100"), 80).allowed);
});

Deno.test("deny comes before allow, allow before all else", async () => {
  const allow = "tcp://192.168.1.100,udp://192.168.1.100,tcp://127.0.0.1:8000-8001,tcp://[3ffe::100],udp://[3ffe::100]";
  check(await policy({ allow, deny: "tcp://192.168.1.100,tcp://[3ffe::100]:7" }), [
    ["tcp", "192.168.1.100", 7, "no: deny"],
    ["udp", "192.168.1.100", 7, "yes: allow"],
    ["tcp", "192.168.1.101", 7, "no: host"],
    ["tcp", "3ffe::100", 7, "no: deny"],
    ["tcp", "3ffe::100", 8, "yes: allow"],
    ["tcp", "127.0.0.1", 8000, "yes: allow"],
    ["tcp", "127.0.0.1", 8002, "no: static"],
    ["udp", "127.0.0.1", 8000, "no: static"],
    ["icmp", "192.168.1.100", 0, "no: deny"],
    ["icmp", "3ffe::100", 0, "yes: allow"],
    ["icmp", "127.0.0.1", 0, "no: static"],
  ]);
  check(await policy({ deny: "192.0.2.0/24,udp://[2001:db8::]/32:53" }), [
    ["tcp", "192.0.2.1", 80, "no: deny"],
    ["udp", "192.0.2.1", 80, "yes: routing"],
    ["udp", "2001:db8::1", 53, "no: deny"],
    ["udp", "2001:db8::1", 54, "yes: routing"],
    ["tcp", "2001:db8::1", 53, "yes: routing"],
  ]);
});

Deno.test("an IPv4-mapped destination is judged as the IPv4 that it stands for", async () => {
  check(await policy({ enableHost: true }), [
    ["tcp", "::ffff:192.0.2.1", 80, "no: static"],
    ["tcp", "::ffff:127.0.0.1", 80, "no: static"],
  ]);
  check(await policy({ allow: "[::]/0,10.0.0.0/8", deny: "10.9.0.0/16" }), [
    ["tcp", "::ffff:127.0.0.1", 80, "no: static"],
    ["tcp", "::ffff:192.168.1.1", 80, "no: static"],
    ["tcp", "::ffff:10.1.2.3", 80, "yes: allow"],
    ["tcp", "::ffff:10.9.2.3", 80, "no: deny"],
    ["tcp", "2001:db8::1", 80, "yes: allow"],
    ["tcp", "::1", 80, "yes: allow"],
  ]);
});

Deno.test("refusals are counted by network and rule", async () => {
  const some = await policy({ deny: "192.0.2.0/24", allow: "127.0.0.1" });
  check(some, [
    ["tcp", "192.0.2.1", 80, "no: deny"],
    ["tcp", "192.0.2.1", 80, "no: deny"],
    ["tcp", "127.0.0.1", 80, "yes: allow"],
    ["udp", "10.0.2.9", 53, "no: static"],
    ["icmp", "192.168.1.100", 0, "no: host"],
    ["icmp", "198.51.100.1", 0, "yes: routing"],
  ]);
  assertEquals(some.denials, {
    tcp: { deny: 2, static: 0, host: 0, routing: 0 },
    udp: { deny: 0, static: 1, host: 0, routing: 0 },
    icmp: { deny: 0, static: 0, host: 1, routing: 0 },
  });
});
