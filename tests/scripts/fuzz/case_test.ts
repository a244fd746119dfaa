import { runCase } from "../../../scripts/fuzz/case.ts";
import { fuzzReaders } from "../../../scripts/fuzz/readers.ts";
import { fuzzTexts } from "../../../scripts/fuzz/texts.ts";
import { permitted, policyFor, RULES } from "../../../scripts/fuzz/rules.ts";
import { assert, assertEquals } from "../../assert.ts";
import { endpoint } from "../../forward/bed/fakes.ts";

Deno.test("runs of the fuzzer: nothing is found, and everything important is reached", async () => {
  const sent = new Map<string, number>();
  const full = new Map<string, number>();
  let reached = 0, reachedNames = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const result = await runCase(seed, 1_500);
    for (const [what, count] of result.sent) sent.set(what, (sent.get(what) ?? 0) + count);
    for (const limit of result.full) full.set(limit, (full.get(limit) ?? 0) + 1);
    reached += result.reached;
    reachedNames += result.reachedNames;
  }
  for (const limit of ["fragmentedDatagrams4", "halfOpen", "udpAssociations", "pings", "pingIdentifiers"]) {
    assert((full.get(limit) ?? 0) > 3, `${limit} was reached in ${full.get(limit)} runs`);
  }
  assert(reached > 500, `the host was reached ${reached} times`);
  assert(reachedNames > 50, `it was reached by name ${reachedNames} times`);
  for (
    const what of [
      ...["arp", "ndp", "syn", "reset", "tcp", "tcp data", "sack", "udp", "fragment"],
      ...["icmp error", "icmp error 6", "echo reply", "echo reply 6"],
    ]
  ) assert((sent.get(what) ?? 0) > 20, `${what}: ${sent.get(what)}`);
});

Deno.test("texts of rules, names and policies: nothing is found", async () => {
  for (let seed = 1; seed <= 10; seed++) await fuzzTexts(seed, 300);
});

Deno.test("first bytes of TLS, HTTP and QUIC: nothing is found", async () => {
  for (let seed = 1; seed <= 20; seed++) await fuzzReaders(seed, 100);
});

Deno.test("a seed repeats a run", async () => {
  const [first, second] = [await runCase(7, 1_000), await runCase(7, 1_000)];
  assertEquals([...first.sent], [...second.sent]);
  assertEquals(first.reached, second.reached);
});

Deno.test("the second opinion about the policy agrees with the policy around its borders", async () => {
  for (const rules of RULES) {
    const policy = await policyFor(rules);
    for (
      const address of [
        ...["198.51.99.255", "198.51.100.6", "198.51.100.7", "198.51.100.127", "198.51.100.128", "198.51.101.0"],
        ...[
          "10.0.1.255",
          "10.0.2.9",
          "127.0.0.1",
          "169.254.0.0",
          "192.168.0.0",
          "0.1.2.3",
          "223.255.255.255",
          "224.0.0.0",
        ],
        ...["[2001:db8::7]", "[2001:db9::]", "[::]", "[::ffff:198.51.100.7]", "[fe80::1]", "[fd77::1]", "[64:ff9b::1]"],
      ]
    ) {
      for (const network of ["tcp", "udp"] as const) {
        for (const port of [53, 54, 80, 81, 443, 444, 60_001]) {
          const remote = endpoint(`${address}:${port}`);
          const { allowed } = policy.decide(network, remote.address, port);
          assertEquals(permitted(rules, network, remote), allowed, `${network} ${address} ${port}`);
        }
      }
    }
  }
});
