import { readPolicy } from "../../../../forward/policy/file/policy_file.ts";
import { learnedPolicy } from "../../../../forward/egress/learn/learned_policy.ts";
import { LearnedRules, learningObservers, ruleFor } from "../../../../forward/egress/learn/learned_rules.ts";
import { NO_OBSERVERS } from "../../../../forward/report/flow_observers.ts";
import { assert, assertEquals, assertStringIncludes } from "../../../assert.ts";
import { endpoint } from "../../bed/fakes.ts";

const GUEST = endpoint("10.0.2.100:40000"), HOST = endpoint("198.51.100.1:50000"), PEER = endpoint("203.0.113.9:443");

Deno.test("a rule for what a flow has shown is as exact as can be", () => {
  const tls = { by: "tls", name: "a.test", alpn: [], ech: false } as const;
  assertEquals(ruleFor("tcp", "a.test", 443, tls), "a.test");
  assertEquals(ruleFor("tcp", "a.test", 8443, tls), "tls://a.test:8443");
  assertEquals(ruleFor("tcp", "a.test", 443, { ...tls, ech: true }), "a.test?ech=on");
  assertEquals(ruleFor("udp", "a.test", 443, { ...tls, by: "quic" }), "a.test");
  assertEquals(ruleFor("tcp", "a.test", 80, { by: "http", name: "a.test" }), "http://a.test");
  assertEquals(ruleFor("tcp", "a.test", 8080, { by: "http", name: "a.test" }), "http://a.test:8080");
  assertEquals(ruleFor("tcp", "a.test", 22, null), "tcp://a.test:22");
  assertEquals(ruleFor("udp", "a.test", 123, null), "udp://a.test:123");
});

Deno.test("flows are learned when they have passed, by name or by address", () => {
  const learned = new LearnedRules(), { routedTcp, routedUdp } = learningObservers(NO_OBSERVERS, learned);
  const named = (name: string, isHeld: boolean) => ({
    name,
    own: endpoint("198.18.0.7:443"),
    rule: "-observe",
    isHeld,
  });
  routedTcp.opened(GUEST, HOST, PEER, undefined, named("held.test", true));
  assertEquals(learned.sorted, [], "nothing before the verdict");
  const shown = { by: "tls", name: "held.test", alpn: [], ech: false } as const;
  routedTcp.judged?.(GUEST, named("held.test", true), { refusal: null, shown });
  routedTcp.judged?.(GUEST, named("other.test", true), { refusal: "name_mismatch", shown });
  routedTcp.opened(GUEST, HOST, PEER, undefined, named("raw.test", false));
  routedTcp.opened(GUEST, HOST, PEER);
  routedUdp.opened(GUEST, HOST, endpoint("[2001:db8::1]:53"));
  assertEquals(learned.sorted, ["203.0.113.9:443", "udp://[2001:db8::1]:53", "held.test", "tcp://raw.test:443"]);
});

Deno.test("the learned policy is a policy: the same rules, sorted, wildcards as comments alone", async () => {
  const rules = [
    "192.0.2.1:443",
    "a.cdn.example.com",
    "b.cdn.example.com",
    "c.cdn.example.com",
    "tcp://git.example.com:22",
  ];
  const text = learnedPolicy(rules);
  const { names, addresses } = await readPolicy("learned.json", text);
  assertEquals([...addresses, ...names].map((rule) => rule.text), rules);
  assertStringIncludes(text, '// "*.cdn.example.com" would stand for a, b, c\n');
  assert(!names.some(({ wildcard }) => wildcard), "no wildcard is a rule");
  assertEquals(learnedPolicy(["a.github.io", "b.github.io", "c.github.io"]).includes("*"), false, "a public suffix");
  const empty = await readPolicy("learned.json", learnedPolicy([]));
  assertEquals(empty.names, []);
});
