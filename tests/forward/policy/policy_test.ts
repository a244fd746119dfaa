import { assert, assertEquals } from "../../assert.ts";
import { Policy, type PolicyOptions } from "../../../forward/policy/policy.ts";
import { Prefix, PrefixSet } from "../../../forward/addresses/prefix.ts";
import { parseRanges, type PolicyNetwork } from "../../../forward/policy/range.ts";
import { IpAddress } from "../../../stack/base/address.ts";

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

Deno.test("without flags: the internet is open, the host's networks and the static list are closed", async () => {
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

Deno.test("an IPv4-mapped destination is judged as the IPv4 address in it", async () => {
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

Deno.test("an IPv6 destination that leads to an IPv4 address is allowed no more than that address", async () => {
  const forms = (v4: string) => {
    const [a, b, c, d] = v4.split(".").map(Number);
    const two = (x: number, y: number) => (x! << 8 | y!).toString(16);
    const high = two(a!, b!), low = two(c!, d!);
    return {
      sixToFour: `2002:${high}:${low}::1`,
      teredoServer: `2001:0:${high}:${low}:0:0:3fff:fefe`, // the client is 192.0.1.1
      teredoClient: `2001:0:c000:101:0:0:${two(~a! & 255, ~b! & 255)}:${two(~c! & 255, ~d! & 255)}`,
      isatap: `2001:db8:1:2:0:5efe:${v4}`,
      isatapGlobal: `2001:db8:1:2:200:5efe:${v4}`,
      nat64: `64:ff9b::${v4}`,
      compatible: `::${v4}`,
      translated: `::ffff:0:${v4}`,
    };
  };
  const verdicts = (policy: Policy, v4: string) =>
    Object.entries(forms(v4)).map(([form, address]): [string, string] => {
      const { allowed, rule } = policy.decide("tcp", IpAddress.parse(address), 80);
      return [form, `${allowed ? "yes" : "no"}: ${rule}`];
    });
  const all = (verdict: string) => Object.keys(forms("1.2.3.4")).map((form): [string, string] => [form, verdict]);
  // the deprecated form is never routed; of what is only translated, the IPv4 address decides
  const translated = new Set(["nat64", "translated"]);
  const open = (verdict: string, ofIpv4 = verdict) =>
    all(verdict).map(([form]): [string, string] => [
      form,
      form === "compatible" ? "no: static" : translated.has(form) ? ofIpv4 : verdict,
    ]);

  const plain = await policy({});
  for (const v4 of ["127.0.0.1", "169.254.169.254", "10.0.2.2", "224.0.0.1"]) {
    assertEquals(verdicts(plain, v4), all("no: static"), v4);
  }
  assertEquals(verdicts(plain, "192.168.1.7"), all("no: host"));
  assertEquals(verdicts(plain, "192.0.2.1"), open("yes: routing"));

  // no range for IPv6 opens an IPv4 address that is closed
  const wide = await policy({ allow: "[::]/0", deny: "198.51.100.0/24" });
  for (const v4 of ["127.0.0.1", "169.254.169.254"]) assertEquals(verdicts(wide, v4), all("no: static"), v4);
  assertEquals(verdicts(wide, "192.168.1.7"), all("no: host"));
  assertEquals(verdicts(wide, "198.51.100.1"), all("no: deny"));
  assertEquals(verdicts(wide, "192.0.2.1"), all("yes: allow"));

  // nor does one for IPv4 open the IPv6 address that is closed
  const four = await policy({ allow: "127.0.0.1:80,192.168.1.0/24" });
  assertEquals(verdicts(four, "127.0.0.1"), open("yes: routing", "yes: allow"));
  assertEquals(verdicts(four, "192.168.1.7"), open("yes: routing", "yes: allow"));

  assertEquals(verdicts(await policy({ enableHost: true }), "192.168.1.7"), open("yes: routing"));
});

Deno.test("an address behind NAT64 is judged by the IPv4 address, and by the ranges for the IPv6 address", async () => {
  const world = "64:ff9b::192.0.2.1", host = "64:ff9b::192.168.1.7";
  check(await policy({ enableHost: true }), [
    ["tcp", world, 80, "yes: routing"],
    ["udp", world, 80, "yes: routing"],
    ["icmp", world, 0, "yes: routing"],
    ["tcp", host, 80, "yes: routing"], // with both flags on, they are not told apart
    ["tcp", "64:ff9b::127.0.0.1", 80, "no: static"],
    ["tcp", "64:ff9b:1::192.0.2.1", 80, "no: static"], // where the IPv4 address is, only its network knows
  ]);
  check(await policy({ enableHost: true, enableRouting: false }), [
    ["tcp", world, 80, "no: routing"],
    ["tcp", host, 80, "yes: host"],
  ]);
  for (const both of [{ enableHost: false, enableRouting: false }, {}]) {
    check(await policy({ ...both, allow: "[64:ff9b::]/96,10.1.1.1:80" }), [
      ["tcp", world, 80, "yes: allow"],
      ["tcp", host, 80, "no: host"],
      ["tcp", "64:ff9b::10.1.1.1", 80, "yes: allow"],
    ]);
  }
  check(await policy({ deny: "[64:ff9b::]/96", allow: "192.0.2.1" }), [["tcp", world, 80, "no: deny"]]);
  check(await policy({ enableRouting: false, allow: "192.0.2.1:80" }), [
    ["tcp", world, 80, "yes: allow"],
    ["tcp", world, 81, "no: routing"],
  ]);
});

Deno.test("if the IPv4 internet is closed, a tunnel in the host's own network does not lead there", async () => {
  check(await policy({ enableHost: true, enableRouting: false }), [
    ["tcp", "3ffe::5efe:192.0.2.1", 80, "no: routing"],
    ["tcp", "3ffe::5efe:192.168.1.7", 80, "yes: host"],
    ["tcp", "3ffe::1", 80, "yes: host"],
  ]);
});

Deno.test("with both flags off, the exact rule that refused is reported", async () => {
  check(await policy({ enableHost: false, enableRouting: false }), [
    ["tcp", "192.0.2.1", 80, "no: routing"],
    ["tcp", "192.168.1.7", 80, "no: host"],
  ]);
});

Deno.test("prefixes of odd lengths are exact", async () => {
  check(await policy({ deny: "192.0.2.77/24,0.0.0.0/1,[2001:db8:1:2:3::9]/33,[::ffff:198.51.100.0]/120" }), [
    ["tcp", "192.0.2.1", 80, "no: deny"],
    ["tcp", "192.0.3.1", 80, "yes: routing"],
    ["tcp", "127.255.255.255", 80, "no: deny"],
    ["tcp", "128.0.0.1", 80, "yes: routing"],
    ["tcp", "2001:db8:7fff::1", 80, "no: deny"],
    ["tcp", "2001:db8:8000::1", 80, "yes: routing"],
    ["tcp", "198.51.100.9", 80, "no: deny"],
    ["tcp", "198.51.101.9", 80, "yes: routing"],
  ]);
  check(await policy({ deny: "[::]/0" }), [["tcp", "::ffff:192.0.2.1", 80, "no: static"]]);
  check(await policy({ allow: "[::fffe:0:0]/95" }), [["tcp", "::ffff:10.0.0.1", 80, "no: static"]]);
});
