import { parseRule, parseRules } from "../../../../forward/policy/names/rule.ts";
import { prepareRules, readRuleList } from "../../../../forward/policy/names/rule_list.ts";
import { InvalidValue } from "../../../../forward/syntax/invalid_value.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../../../assert.ts";

/** What a rule is about, in a few words. */
function told(text: string): string {
  const rule = parseRule(text), no = rule.deny ? "not " : "";
  if (rule.about === "preset") return `${no}preset ${rule.preset}`;
  if (rule.about === "addresses") {
    const ranges = rule.ranges.map(({ network, prefix, minPort, maxPort }) =>
      `${network} ${prefix} ${minPort}-${maxPort}`
    );
    return no + ranges.join(", ");
  }
  const { kind, name, wildcard, minPort, maxPort, quic, ech, types, whole } = rule;
  const rest = `${whole ? " whole" : ""}${quic ? "" : " no quic"}${ech ? " ech" : ""}${
    types.map((type) => ` ${type}`).join("")
  }`;
  return `${no}${kind} ${wildcard ? "below " : ""}${name} ${minPort}-${maxPort}${rest}`;
}

Deno.test("each form of a rule", () => {
  for (
    const [text, meaning] of [
      ["api.github.com", "auto api.github.com 443-443"],
      ["API.GitHub.com.", "auto api.github.com 443-443"],
      ["api.github.com?quic=off", "auto api.github.com 443-443 no quic"],
      ["api.github.com:8443?quic=off&ech=on", "auto api.github.com 8443-8443 no quic ech"],
      ["api.github.com:8443", "auto api.github.com 8443-8443"],
      ["api.github.com:8000-8099", "auto api.github.com 8000-8099"],
      ["tls://db.example.com:5432", "tls db.example.com 5432-5432"],
      ["tls://db.example.com", "tls db.example.com 443-443"],
      ["http://deb.example.org", "http deb.example.org 80-80"],
      ["quic://www.example.com", "quic www.example.com 443-443"],
      ["tcp://git.example.com:22", "tcp git.example.com 22-22"],
      ["udp://ntp.example.com:123", "udp ntp.example.com 123-123"],
      ["dns://sip.example.com", "dns sip.example.com 0-65535"],
      ["dns://sip.example.com?type=SRV,TXT", "dns sip.example.com 0-65535 33 16"],
      ["*.example.com", "auto below example.com 443-443"],
      ["tls://*!.github.io:8443", "tls below github.io 8443-8443"],
      ["!gist.github.com", "not auto gist.github.com 0-65535 whole"],
      ["!gist.github.com:22", "not auto gist.github.com 22-22"],
      ["!tcp://gist.github.com:22", "not tcp gist.github.com 22-22"],
      ["!*.com", "not auto below com 0-65535 whole"],
      ["192.0.2.0/24:443", "tcp 192.0.2.0/24 443-443"],
      ["192.0.2.7", "tcp 192.0.2.7/32 0-65535"],
      ["udp://[2001:db8::]/32:53", "udp 2001:db8::/32 53-53"],
      ["!192.0.2.7", "not tcp 192.0.2.7/32 0-65535, udp 192.0.2.7/32 0-65535"],
      ["@npm", "preset npm"],
      ["!@npm", "not preset npm"],
    ] as const
  ) assertEquals(told(text), meaning, text);
});

Deno.test("an impossible rule is an error with a reason", () => {
  for (
    const [text, reason] of [
      ["", "a name or an address is missing"],
      ["ftp://example.com", "unknown kind"],
      ["tcp://example.com", "need a port"],
      ["tcp://example.com:0", "1-65535"],
      ["example.com:99999", "value out of range"],
      ["example.com:90-80", "min port must be smaller equal than max"],
      ["tls://192.0.2.1:443", "needs a name"],
      ["dns://example.com:53", "takes no port"],
      ["dns://example.com?type=HTTPS", "unknown type"],
      ["dns://example.com?type=ANY", "unknown type"],
      ["tls://example.com?quic=off", "unknown option"],
      ["example.com?port=1", "unknown option"],
      ["http://example.com?ech=on", "unknown option"],
      ["example.com?ech=off", "unknown option"],
      ["192.0.2.1?quic=off", "belongs to a name"],
      ["*", "can only be the whole first label"],
      ["api-*.example.com", "can only be the whole first label"],
      ["*.*.example.com", "can only be the whole first label"],
      ["2001:db8::1", "IPv6 needs brackets"],
      ["127.1", "is not a name"],
      ["udp://dns.example.com:53", "port 53 is the program's name server"],
    ] as const
  ) assertThrows(() => parseRule(text), InvalidValue, reason, text);
});

Deno.test("a name in another script is turned, and the rule remembers what it was", () => {
  const rule = parseRule("tcp://*.b\u00fccher.example:22");
  assert(rule.about === "name");
  assertEquals(rule.name, "xn--bcher-kva.example");
  assertEquals(rule.turnedFrom, "b\u00fccher.example");
  const ascii = parseRule("xn--bcher-kva.example");
  assertEquals(ascii.about === "name" && ascii.turnedFrom, null, "an A-label");
});

Deno.test("a comma separates rules, and the types of a dns rule", () => {
  const texts = parseRules("@npm,dns://a.example?type=SRV,TXT,b.example,!c.example").map(({ text }) => text);
  assertEquals(texts, ["@npm", "dns://a.example?type=SRV,TXT", "b.example", "!c.example"]);
});

Deno.test("a wildcard at a public suffix is an error, unless it is marked as intended", async () => {
  for (const text of ["tcp://*.com:22", "tcp://*.co.uk:22", "tcp://*.github.io:22", "tcp://*.intranet:22"]) {
    await assertRejects(() => readRuleList(text), InvalidValue, "a public suffix", text);
  }
  for (const text of ["tcp://*.example.com:22", "tcp://*!.github.io:22", "tcp://*.me.github.io:22", "!*.com"]) {
    const { names } = await readRuleList(text);
    assertEquals(names.length, 1, text);
  }
});

Deno.test("a preset stands for its rules, and an unknown one is an error", async () => {
  const { names } = await prepareRules(parseRules("!@debian"));
  assertEquals(names.map(({ text }) => text), [
    "!deb.debian.org",
    "!deb.debian.org",
    "!security.debian.org",
    "!security.debian.org",
  ]);
  await assertRejects(() => readRuleList("@nmp"), InvalidValue, "@npm, @pypi");
});
