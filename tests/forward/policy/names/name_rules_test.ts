import fc from "fast-check";
import { NameRules } from "../../../../forward/policy/names/name_rules.ts";
import { type NameRule, parseRule, parseRules } from "../../../../forward/policy/names/rule.ts";
import { assert, assertEquals } from "../../../assert.ts";

function rulesOf(text: string, now = () => 0): NameRules {
  return new NameRules(parseRules(text) as readonly NameRule[], now);
}

/** What a flow must show, or why it is refused. */
function told(rules: NameRules, network: "tcp" | "udp", name: string, port: number): string {
  const verdict = rules.decide(network, name, port);
  if (!verdict.allowed) return verdict.reason;
  assert(verdict.demand === null || verdict.demand.name === name, "the name itself is to be shown");
  return verdict.demand?.shows ?? "raw";
}

Deno.test("the demand of each kind of rule on a flow, by network and port", () => {
  const rules = rulesOf([
    "auto.example",
    "noquic.example?quic=off",
    "web.example:80",
    "any.example:8000-9000",
    "tls://tls.example:5432",
    "http://http.example",
    "quic://quic.example",
    "tcp://tcp.example:22",
    "udp://udp.example:123",
    "dns://dns.example",
  ].join(","));
  for (
    const [network, name, port, verdict] of [
      ["tcp", "auto.example", 443, "tls"],
      ["udp", "auto.example", 443, "quic"],
      ["tcp", "auto.example", 80, "no_rule"],
      ["tcp", "auto.example", 22, "no_rule"],
      ["udp", "noquic.example", 443, "no_rule"],
      ["tcp", "noquic.example", 443, "tls"],
      ["tcp", "web.example", 80, "http"],
      ["udp", "web.example", 80, "no_rule"],
      ["tcp", "any.example", 8080, "any"],
      ["tcp", "any.example", 9001, "no_rule"],
      ["udp", "any.example", 8080, "no_rule"],
      ["tcp", "tls.example", 5432, "tls"],
      ["tcp", "tls.example", 443, "no_rule"],
      ["tcp", "http.example", 80, "http"],
      ["udp", "quic.example", 443, "quic"],
      ["tcp", "quic.example", 443, "no_rule"],
      ["tcp", "tcp.example", 22, "raw"],
      ["udp", "tcp.example", 22, "no_rule"],
      ["udp", "udp.example", 123, "raw"],
      ["tcp", "dns.example", 443, "no_rule"],
    ] as const
  ) assertEquals(told(rules, network, name, port), verdict, `${network} ${name} ${port}`);
});

Deno.test("names are compared as labels", () => {
  const exact = rulesOf("example.com"), below = rulesOf("*.example.com");
  for (
    const [name, byExact, byWildcard] of [
      ["example.com", true, false],
      ["www.example.com", false, true],
      ["a.b.example.com", false, true],
      ["evilexample.com", false, false],
      ["example.com.evil.test", false, false],
      ["com", false, false],
      ["example", false, false],
      ["xexample.com", false, false],
    ] as const
  ) {
    assertEquals(exact.decide("tcp", name, 443).allowed, byExact, `${name} by example.com`);
    assertEquals(below.decide("tcp", name, 443).allowed, byWildcard, `${name} by *.example.com`);
    assertEquals(exact.question(name).allowed, byExact, `question for ${name} by example.com`);
    assertEquals(below.question(name).allowed, byWildcard, `question for ${name} by *.example.com`);
  }
});

Deno.test("deny wins in any order, within the scope of its rule", () => {
  for (const text of ["*.example.com,!secret.example.com", "!secret.example.com,*.example.com"]) {
    const rules = rulesOf(text);
    assertEquals(told(rules, "tcp", "secret.example.com", 443), "denied", text);
    assertEquals(rules.question("secret.example.com").allowed, false, `question, ${text}`);
    assertEquals(told(rules, "tcp", "www.example.com", 443), "tls", text);
  }
  const below = rulesOf("a.b.example.com,!*.example.com");
  assertEquals(told(below, "tcp", "a.b.example.com", 443), "denied", "a wildcard that denies, above an exact name");
  const partly = rulesOf("git.example.com,tcp://git.example.com:22,!git.example.com:22");
  assertEquals(told(partly, "tcp", "git.example.com", 22), "denied", "the port");
  assertEquals(told(partly, "tcp", "git.example.com", 443), "tls", "another port");
  assertEquals(partly.question("git.example.com").allowed, true, "the question");
  const udp = rulesOf("a.example,!udp://a.example:443");
  assertEquals(told(udp, "udp", "a.example", 443), "denied", "the network");
  assertEquals(told(udp, "tcp", "a.example", 443), "tls", "another network");
});

Deno.test("of several rules that allow, the least demanding one counts", () => {
  assertEquals(told(rulesOf("a.example,tcp://a.example:443"), "tcp", "a.example", 443), "raw", "raw");
  assertEquals(told(rulesOf("tls://a.example:81,a.example:81"), "tcp", "a.example", 81), "any", "any");
  assertEquals(
    told(rulesOf("http://*.example:81,tls://a.example:81"), "tcp", "a.example", 81),
    "tls",
    "the exact name",
  );
});

Deno.test("a dns rule opens types, and a question needs any rule", () => {
  const rules = rulesOf("dns://a.example?type=SRV,TXT,tcp://b.example:22");
  assertEquals(rules.question("a.example"), { allowed: true, byWildcard: false, types: [33, 16] });
  assertEquals(rules.question("b.example"), { allowed: true, byWildcard: false, types: [] });
  assertEquals(rules.question("c.example").allowed, false);
  const wild = rulesOf("*.example.com");
  assertEquals(wild.question("a.example.com"), { allowed: true, byWildcard: true, types: [] });
});

Deno.test("a rule ends at its time", () => {
  let now = 999;
  const rules = new NameRules([parseRule("a.example", 1_000) as NameRule], () => now);
  assertEquals(rules.decide("tcp", "a.example", 443).allowed, true, "before");
  now = 1_000;
  assertEquals(rules.decide("tcp", "a.example", 443).allowed, false, "the flow, after");
  assertEquals(rules.question("a.example").allowed, false, "the question, after");
});

Deno.test("a table of a thousand rules decides as a list of them would", () => {
  const label = fc.constantFrom("a", "b", "c", "ab");
  const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
  const rule = fc.tuple(fc.constantFrom("", "!"), fc.constantFrom("", "*."), name).map((parts) => parts.join(""));
  fc.assert(fc.property(fc.array(rule, { maxLength: 12 }), name, (texts, name) => {
    const rules = texts.map((text) => parseRule(text) as NameRule);
    const matches = ({ name: of, wildcard }: NameRule) => wildcard ? name.endsWith(`.${of}`) : name === of;
    const allowed = rules.some((rule) => !rule.deny && matches(rule)) &&
      !rules.some((rule) => rule.deny && matches(rule));
    assertEquals(new NameRules(rules).decide("tcp", name, 443).allowed, allowed, `${name} by ${texts}`);
  }));
});
