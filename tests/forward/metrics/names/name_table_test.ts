import { countedDecisions } from "../../../../forward/metrics/names/counted_decisions.ts";
import { type NamesDocument, namesJson } from "../../../../forward/metrics/names/document.ts";
import { NameTable } from "../../../../forward/metrics/names/name_table.ts";
import { meteredObservers } from "../../../../forward/metrics/flows/metered_observers.ts";
import { EndReport, EOF } from "../../../../forward/report/end_report.ts";
import { NO_OBSERVERS } from "../../../../forward/report/flow_observers.ts";
import { assert, assertEquals, assertFields } from "../../../assert.ts";
import { endpoint } from "../../bed/fakes.ts";

const GUEST = endpoint("10.0.2.100:40112"), HOST = endpoint("198.51.100.1:50000"), PEER = endpoint("203.0.113.9:443");
const NAMED = { name: "api.example.com", own: endpoint("198.18.44.7:443"), rule: "api.example.com", isHeld: true };

function setup(limit = 16, byRules = true) {
  const names = new NameTable(limit, byRules);
  const { observers } = meteredObservers(NO_OBSERVERS, names);
  return { names, observers, decisions: countedDecisions(null, names) };
}

function eof(): EndReport {
  const ends = new EndReport();
  ends.record("l-read", EOF);
  return ends;
}

/** The line of a name. */
function line(names: NameTable, name: string): Record<string, unknown> {
  const found = [...names.lines()].find((line) => line.name === name);
  assert(found !== undefined, `${name} has a line`);
  return { ...found };
}

Deno.test("names: the flows and bytes of a name, while they are open and after", () => {
  const { names, observers: { routedTcp } } = setup();
  const traffic = { sentBytes: 100, answeredBytes: 2_000 };
  routedTcp.opened(GUEST, HOST, PEER, traffic, NAMED);
  assertFields(line(names, "api.example.com"), { kind: "name", open: 1, flows: 1, bytes_out: 100, bytes_in: 2_000 });
  traffic.answeredBytes = 3_000;
  assertFields(line(names, "api.example.com"), { bytes_in: 3_000, rule: "api.example.com", refusals: 0 });
  routedTcp.done(GUEST, HOST, PEER, eof(), NAMED);
  assertFields(line(names, "api.example.com"), { open: 0, flows: 1, bytes_out: 100, bytes_in: 3_000 });
  routedTcp.opened(GUEST, HOST, PEER, { sentBytes: 1, answeredBytes: 2 }, NAMED);
  assertFields(line(names, "api.example.com"), { open: 1, flows: 2, bytes_out: 101, bytes_in: 3_002 });
});

Deno.test("names: flows without a name count under the address, in the guest's direction", () => {
  const { names, observers: { routedUdp, remoteTcp, local } } = setup();
  routedUdp.opened(GUEST, HOST, PEER, { sentBytes: 10, answeredBytes: 20 });
  assertFields(line(names, "203.0.113.9:443"), { kind: "address", open: 1, bytes_out: 10, bytes_in: 20, rule: null });
  remoteTcp(endpoint("10.0.2.2:5432")).opened(GUEST, HOST, endpoint("127.0.0.1:5432"));
  assertFields(line(names, "10.0.2.2:5432"), { kind: "address", open: 1, bytes_out: 0 });
  const ends = {
    ...{ network: "tcp", client: endpoint("192.0.2.7:1000"), listener: endpoint("192.0.2.1:8080") } as const,
    ...{ guestLocal: endpoint("10.0.2.2:1000"), target: endpoint("10.0.2.100:80"), proxyProtocol: false },
  };
  local.opened(ends, { sentBytes: 30, answeredBytes: 40 });
  assertFields(line(names, "192.0.2.7"), { kind: "address", bytes_out: 40, bytes_in: 30 });
});

Deno.test("names: refusals, with the reason and the flags that would let it", () => {
  const { names, decisions, observers: { routedTcp } } = setup();
  const asked = { guest: GUEST, name: "evil.test", type: 1 };
  decisions.refusedQuestion(asked, "no_rule");
  assertFields(line(names, "evil.test"), { refusals: 1, flows: 0, reason: "no_rule", remedy: "-only evil.test" });
  decisions.refusedFlow({
    network: "tcp",
    guest: GUEST,
    to: endpoint("198.18.1.1:22"),
    name: "evil.test",
    reason: "no_rule",
  });
  assertFields(line(names, "evil.test"), { refusals: 2, remedy: "-only evil.test:22" });
  decisions.refusedQuestion({ ...asked, name: "gist.example.com" }, "denied");
  assertFields(line(names, "gist.example.com"), { reason: "denied", remedy: null });
  decisions.refusedFlow({ network: "udp", guest: GUEST, to: PEER, name: null, reason: "no_rule" });
  assertFields(line(names, "203.0.113.9:443"), { kind: "address", remedy: "-only udp://203.0.113.9:443" });
  decisions.refusedFlow({
    network: "icmp",
    guest: GUEST,
    to: endpoint("[2001:db8::1]:0"),
    name: null,
    reason: "no_rule",
  });
  assertFields(line(names, "2001:db8::1"), { remedy: "-allow 2001:db8::1" });
  routedTcp.opened(GUEST, HOST, PEER, undefined, NAMED);
  const shown = { by: "tls", name: "evil.example" } as const;
  routedTcp.judged?.(GUEST, NAMED, { refusal: "name_mismatch", shown });
  const mismatch = { refusals: 1, reason: "name_mismatch", shown: "evil.example", remedy: null, rule: NAMED.rule };
  assertFields(line(names, "api.example.com"), mismatch);
  routedTcp.judged?.(GUEST, NAMED, { refusal: "not_tls", shown: null });
  assertFields(line(names, "api.example.com"), { refusals: 2, remedy: "-only tcp://api.example.com:443" });
  routedTcp.judged?.(GUEST, NAMED, { refusal: null, shown });
  assertFields(line(names, "api.example.com"), { refusals: 2 }, "a verdict that lets it pass is none");
  decisions.refusedQuestion({ ...asked, name: null }, "no_rule");
  assertFields({ ...names.other }, { kind: "other", refusals: 1, remedy: null }, "a name that no rule can have");
});

Deno.test("names: without rules for names, the flag is -allow", () => {
  const { names, decisions } = setup(4, false);
  decisions.refusedFlow({
    network: "tcp",
    guest: GUEST,
    to: endpoint("127.0.0.1:80"),
    name: null,
    reason: "never_routed",
  });
  assertFields(line(names, "127.0.0.1:80"), { reason: "never_routed", remedy: "-allow tcp://127.0.0.1:80" });
  assertEquals(decisions.mayOpen(), true);
});

Deno.test("names: a flood of refused names replaces only such names, and its counts are kept", () => {
  const { names, decisions, observers: { routedTcp } } = setup(4);
  const flow = (name: string) => [GUEST, HOST, PEER, undefined, { ...NAMED, name }] as const;
  routedTcp.opened(...flow("open.example"));
  routedTcp.opened(GUEST, endpoint("198.51.100.1:50001"), PEER, undefined, {
    ...NAMED,
    own: endpoint("198.18.0.9:1"),
    name: "over.example",
  });
  routedTcp.done(GUEST, endpoint("198.51.100.1:50001"), PEER, eof(), {
    ...NAMED,
    own: endpoint("198.18.0.9:1"),
    name: "over.example",
  });
  for (let i = 0; i < 1_000; i++) {
    decisions.refusedQuestion({ guest: GUEST, name: `n${i}.evil.test`, type: 1 }, "no_rule");
  }
  const left = [...names.lines()].map(({ name }) => name);
  assertEquals(left, ["open.example", "over.example", "n998.evil.test", "n999.evil.test"]);
  assertEquals(names.other.refusals, 998, "the counts of the others");
  assertEquals(names.usage, { current: 4, limit: 4, overflows: 998 });
});

Deno.test("names: an open flow keeps its line; when all have open flows, a new one counts as other", () => {
  const { names, observers: { routedTcp } } = setup(1);
  const one = [GUEST, HOST, PEER] as const, two = [GUEST, HOST, endpoint("203.0.113.10:443")] as const;
  routedTcp.opened(...one, { sentBytes: 1, answeredBytes: 2 });
  routedTcp.opened(...two, { sentBytes: 3, answeredBytes: 4 });
  assertEquals([...names.lines()].map(({ name }) => name), ["203.0.113.9:443"]);
  assertFields({ ...names.other }, { open: 1, flows: 1, bytes_out: 3, bytes_in: 4 });
  routedTcp.done(...two, eof());
  assertFields({ ...names.other }, { open: 0, flows: 1, bytes_out: 3 });
  routedTcp.done(...one, eof());
  routedTcp.opened(...two, { sentBytes: 5, answeredBytes: 6 });
  assertEquals([...names.lines()].map(({ name }) => name), ["203.0.113.10:443"], "the idle line made room");
  assertFields({ ...names.other }, { open: 0, flows: 2, bytes_out: 4, bytes_in: 6 });
});

Deno.test("names: the document", () => {
  const { names, decisions } = setup(200);
  for (let i = 0; i < 150; i++) decisions.refusedQuestion({ guest: null, name: `n${i}.test`, type: 1 }, "no_rule");
  const pieces = [...namesJson({ version: 1, seconds: 1.5, limit: 200 }, names.lines(), names.other)];
  assertEquals(pieces.length, 3, "in pieces");
  const document: NamesDocument = JSON.parse(pieces.join(""));
  assertEquals(document.names.length, 150);
  assertEquals(document.names[7], [...names.lines()][7]);
  assertEquals(document.other, names.other);
  assertFields({ ...document }, { version: 1, seconds: 1.5, limit: 200 });
  const none: NamesDocument = JSON.parse(
    [...namesJson({ version: 1, seconds: 0, limit: 1 }, [], names.other)].join(""),
  );
  assertEquals(none.names, []);
});
