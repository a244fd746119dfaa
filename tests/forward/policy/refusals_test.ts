import { policyRefused } from "../../../forward/report/contract_lines.ts";
import { Policy } from "../../../forward/policy/policy.ts";
import { PrefixSet } from "../../../forward/addresses/prefix.ts";
import { parseRanges } from "../../../forward/policy/range.ts";
import { MAX_REFUSALS_SAID, Refusals, REFUSALS_MEMORY_MS } from "../../../forward/policy/refusals.ts";
import { Prefix } from "../../../forward/addresses/prefix.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { assertEquals } from "../../assert.ts";

/** What is said, and a clock. */
class Bed {
  time = 0;
  readonly said: string[] = [];
  readonly refusals = new Refusals({
    say: (...refusal) => this.said.push(policyRefused(...refusal)),
    sayFull: () => this.said.push("full"),
    now: () => this.time,
  });

  /** The guest tries so many ports of an address. */
  tries(ports: number, first = 1): void {
    const address = IpAddress.parse("192.0.2.1");
    for (let port = first; port < first + ports; port++) this.refusals.refused("tcp", address, port, "routing");
  }
}

Deno.test("each rule and destination is reported once, whatever comes between", async () => {
  const bed = new Bed();
  const policy = new Policy({
    allow: [],
    deny: await parseRanges("198.51.100.0/24:25", () => Promise.reject(new Error("no names here"))),
    enableHost: false,
    enableRouting: true,
    hostNetworks: new PrefixSet([Prefix.parse("192.168.1.0/24"), Prefix.parse("fd11::/64")]),
    refusals: bed.refusals,
  });
  for (let round = 0; round < 2; round++) {
    for (
      const [network, address, port] of [
        ["tcp", "192.168.1.7", 80],
        ["tcp", "192.168.1.7", 80],
        ["udp", "192.168.1.7", 80],
        ["tcp", "192.168.1.7", 81],
        ["tcp", "fd11::7", 80],
        ["tcp", "198.51.100.1", 25],
        ["udp", "127.0.0.1", 53],
        ["icmp", "192.168.1.7", 0],
        ["tcp", "203.0.113.1", 80], // allowed
      ] as const
    ) policy.decide(network, IpAddress.parse(address), port);
  }
  policy.verdict("tcp", IpAddress.parse("192.168.1.8"), 80); // nobody has tried to
  const host = "it is in the host's own networks, which -enable-host or -allow opens";
  assertEquals(bed.said, [
    `[.] tcp://192.168.1.7:80 refused by the policy: ${host}`,
    `[.] udp://192.168.1.7:80 refused by the policy: ${host}`,
    `[.] tcp://192.168.1.7:81 refused by the policy: ${host}`,
    `[.] tcp://[fd11::7]:80 refused by the policy: ${host}`,
    "[.] tcp://198.51.100.1:25 refused by the policy: it is in a range of -deny",
    "[.] udp://127.0.0.1:53 refused by the policy: it is never routed, unless -allow has it",
    `[.] icmp://192.168.1.7 refused by the policy: ${host}`,
  ]);
  assertEquals(policy.denials.tcp.host, 8, "all are counted");
});

Deno.test("a guest that tries everything: one last report that there is more, and new ones after an hour", () => {
  const bed = new Bed();
  bed.tries(MAX_REFUSALS_SAID);
  assertEquals(bed.said.length, MAX_REFUSALS_SAID);
  bed.tries(60_000);
  assertEquals(bed.said.length, MAX_REFUSALS_SAID + 1, "one line more");
  assertEquals(bed.said.at(-1), "full");
  bed.time = REFUSALS_MEMORY_MS - 1;
  bed.tries(1);
  assertEquals(bed.said.length, MAX_REFUSALS_SAID + 1, "nothing more within the hour");
  bed.time = REFUSALS_MEMORY_MS;
  bed.tries(2);
  assertEquals(bed.said.slice(MAX_REFUSALS_SAID + 1).map((line) => /:\d+ /.exec(line)?.[0]), [":1 ", ":2 "]);
});

Deno.test("the hour counts from the first report", () => {
  const bed = new Bed();
  bed.time = 1_000_000;
  bed.tries(1);
  bed.time += REFUSALS_MEMORY_MS - 1;
  bed.tries(1);
  assertEquals(bed.said.length, 1);
  bed.time += 1;
  bed.tries(1);
  assertEquals(bed.said.length, 2);
});
