import { Audit, MAX_DECISIONS } from "../../../forward/audit/audit.ts";
import { type AuditFile, AuditWriter, MAX_WAITING } from "../../../forward/audit/audit_writer.ts";
import { auditedObservers } from "../../../forward/audit/audited_observers.ts";
import { KEYS, KIND_TEXTS } from "../../../forward/audit/schema.ts";
import { EndReasons, EndReport, EOF } from "../../../forward/report/end_report.ts";
import { NO_OBSERVERS } from "../../../forward/report/flow_observers.ts";
import { assert, assertEquals, assertFields, assertMatch } from "../../assert.ts";
import { endpoint, FakeScheduler } from "../bed/fakes.ts";

/** A file that the test may let fill up or break. */
class FakeFile implements AuditFile {
  text = "";
  room = Infinity;
  broken = false;

  constructor(private readonly scheduler: FakeScheduler) {}

  write(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): number {
    if (this.broken) throw new Error("no space left on device");
    const length = Math.min(this.room, to - from);
    this.text += new TextDecoder().decode(bytes.subarray(from, from + length));
    this.room -= length;
    return length;
  }

  /** The lines so far; ends the turn. */
  get lines(): Record<string, unknown>[] {
    this.scheduler.runDeferred();
    return this.text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  }
}

function setup() {
  const scheduler = new FakeScheduler(), file = new FakeFile(scheduler);
  const writer = new AuditWriter(file, scheduler);
  const clock = { now: Date.UTC(2026, 10, 28, 9, 0, 0, 123) };
  const audit = new Audit({ writer, now: () => clock.now });
  return { file, scheduler, writer, audit, clock, observers: auditedObservers(NO_OBSERVERS, audit) };
}

const GUEST = endpoint("10.0.2.100:40112"), HOST = endpoint("198.51.100.1:50000"), PEER = endpoint("203.0.113.9:443");
const OWN = endpoint("198.18.44.7:443");
const NAMED = { name: "api.example.com", own: OWN, rule: "api.example.com", isHeld: true };
const SHOWN = { by: "tls", name: "api.example.com", alpn: ["h2"], ech: false } as const;

function eof(): EndReport {
  const ends = new EndReport();
  ends.record("l-read", EOF);
  return ends;
}

Deno.test("audit: a flow that shows its name has a line then, and one at its end", () => {
  const { file, clock, observers: { routedTcp } } = setup();
  const traffic = { sentBytes: 0, answeredBytes: 0 };
  routedTcp.opened(GUEST, HOST, PEER, traffic, NAMED);
  assertEquals(file.lines, [], "nothing before the verdict");
  routedTcp.judged?.(GUEST, NAMED, { refusal: null, shown: SHOWN });
  clock.now += 1_240;
  Object.assign(traffic, { sentBytes: 5120, answeredBytes: 88410 });
  routedTcp.done(GUEST, HOST, PEER, eof(), NAMED);
  const [open, end, ...more] = file.lines;
  assertEquals(more, []);
  assertMatch(String(open!.flow), /^[0-9A-HJKMNP-TV-Z]{26}$/, "a ULID");
  assertEquals(open, {
    time: "2026-11-28T09:00:00.123Z",
    kind: "open",
    flow: open!.flow,
    generation: 1,
    network: "tcp",
    way: "routed",
    guest: "10.0.2.100:40112",
    peer: "203.0.113.9:443",
    name: "api.example.com",
    port: 443,
    own: "198.18.44.7",
    rule: "api.example.com",
    shown: SHOWN,
  });
  assertFields(end!, {
    kind: "end",
    flow: open!.flow,
    shown: SHOWN,
    bytes_out: 5120,
    bytes_in: 88410,
    ms: 1240,
    outcome: "ok",
  });
});

Deno.test("audit: a flow that shows another name is refused, and has ended then", () => {
  const { file, observers: { routedTcp } } = setup();
  routedTcp.opened(GUEST, HOST, PEER, undefined, NAMED);
  const shown = { ...SHOWN, name: "evil.test" };
  routedTcp.judged?.(GUEST, NAMED, { refusal: "name_mismatch", shown });
  const ends = new EndReport();
  ends.record("l-read", EndReasons.NOT_ALLOWED);
  routedTcp.done(GUEST, HOST, PEER, ends, NAMED);
  const [deny, end] = file.lines;
  assertFields(deny!, { kind: "deny", reason: "name_mismatch", shown, to: "198.18.44.7:443", name: "api.example.com" });
  assertFields(end!, { kind: "end", flow: deny!.flow, outcome: "denied", shown });
});

Deno.test("audit: flows by address, of forwards, and of clients of the host", () => {
  const { file, observers } = setup();
  observers.routedUdp.opened(GUEST, HOST, PEER);
  observers.remoteTcp(OWN).opened(GUEST, HOST, PEER);
  const local = {
    network: "tcp",
    client: PEER,
    listener: HOST,
    guestLocal: OWN,
    target: GUEST,
    proxyProtocol: false,
  } as const;
  observers.local.opened(local);
  observers.routedUdp.done(GUEST, HOST, PEER, eof());
  observers.remoteTcp(OWN).done(GUEST, HOST, PEER, eof());
  observers.local.done(local, eof());
  assertEquals(file.lines.map(({ kind, way, port }) => `${kind} ${way} ${port}`), [
    "open routed 443",
    "open remote-fwd 443",
    "open local-fwd 40112",
    "end routed 443",
    "end remote-fwd 443",
    "end local-fwd 40112",
  ]);
});

Deno.test("audit: new rules are a line, and the flows that they end are revoked", () => {
  const { file, audit, observers: { routedTcp } } = setup();
  routedTcp.opened(GUEST, HOST, PEER, undefined, { ...NAMED, isHeld: false });
  audit.replaced(2, 7);
  const ends = new EndReport();
  ends.record("l-read", EndReasons.REVOKED);
  routedTcp.done(GUEST, HOST, PEER, ends, NAMED);
  const [open, policy, revoked] = file.lines;
  assertEquals(open!.generation, 1);
  assertFields(policy!, { kind: "policy", generation: 2, rules: 7 });
  assertFields(revoked!, { kind: "revoked", flow: open!.flow, generation: 1 });
});

Deno.test("audit: questions and refusals, each with its reason", () => {
  const { file, audit } = setup();
  audit.answered({ guest: GUEST, name: "api.example.com", type: 28 });
  audit.refusedQuestion({ guest: null, name: null, type: 65 }, "no_rule");
  audit.refusedQuestion({ guest: GUEST, name: "evil.test", type: 999 }, "denied");
  audit.refusedFlow({ network: "tcp", guest: GUEST, to: PEER, name: null, reason: "no_rule" });
  const ping = { guest: endpoint("10.0.2.100:0"), to: endpoint("192.0.2.1:0") };
  audit.refusedFlow({ network: "icmp", ...ping, name: null, reason: "never_routed" });
  const time = "2026-11-28T09:00:00.123Z";
  assertEquals(file.lines, [
    { time, kind: "dns", guest: "10.0.2.100:40112", name: "api.example.com", type: "AAAA" },
    { time, kind: "deny", network: "dns", guest: null, name: null, type: "HTTPS", reason: "no_rule", rule: null },
    {
      ...{ time, kind: "deny", network: "dns", guest: "10.0.2.100:40112", name: "evil.test" },
      ...{ type: "TYPE999", reason: "denied", rule: null },
    },
    {
      ...{ time, kind: "deny", network: "tcp", guest: "10.0.2.100:40112", to: "203.0.113.9:443" },
      ...{ name: null, reason: "no_rule", rule: null },
    },
    {
      ...{ time, kind: "deny", network: "icmp", guest: "10.0.2.100", to: "192.0.2.1" },
      ...{ name: null, reason: "never_routed", rule: null },
    },
  ]);
});

Deno.test("audit: a flood of refusals is bounded, and counted", () => {
  const { file, audit, clock } = setup();
  const refuse = () => audit.refusedFlow({ network: "tcp", guest: GUEST, to: PEER, name: null, reason: "no_rule" });
  for (let i = 0; i < MAX_DECISIONS + 50; i++) refuse();
  assertEquals(file.lines.length, MAX_DECISIONS);
  clock.now += 1_000;
  refuse();
  assertFields(file.lines.at(-2)!, { kind: "skipped", count: 50 });
  assertEquals(file.lines.at(-1)!.kind, "deny");
});

Deno.test("audit: while it can't be written, no flow may be opened, and no line about a flow is lost", () => {
  const { file, audit, scheduler, observers: { routedTcp } } = setup();
  routedTcp.opened(GUEST, HOST, PEER);
  scheduler.runDeferred();
  assert(audit.mayOpen(), "before");
  file.broken = true;
  routedTcp.done(GUEST, HOST, PEER, eof());
  scheduler.runDeferred();
  assert(!audit.mayOpen(), "the disk is full");
  audit.refusedFlow({ network: "tcp", guest: GUEST, to: PEER, name: null, reason: "limit" });
  file.broken = false;
  assert(audit.mayOpen(), "there is room again");
  scheduler.advance(1_000);
  assertEquals(file.lines.map(({ kind }) => kind), ["open", "end"]);
  audit.close();
  assertFields(file.lines.at(-1)!, { kind: "skipped", count: 1 });
});

Deno.test("audit: lines wait for a slow reader in their order, and too many of them close the door", () => {
  const { file, writer, scheduler } = setup();
  file.room = 10;
  const line = JSON.stringify({ text: "x".repeat(1_000) });
  while (writer.isWritable) {
    writer.line(line);
    scheduler.runDeferred();
  }
  assert(file.text.length <= 10, "nothing more was written");
  file.room = Infinity;
  scheduler.advance(100);
  assert(writer.isWritable, "the reader is there again");
  assertEquals(file.text, `${line}\n`.repeat(Math.ceil((MAX_WAITING + 10) / (line.length + 1))));
});

Deno.test("audit: what a guest shows can't forge a line", () => {
  const { file, observers: { routedTcp } } = setup();
  routedTcp.opened(GUEST, HOST, PEER, undefined, NAMED);
  const alpn = ['"}\n{"kind":"open"', "\u2028\r\n\0"];
  routedTcp.judged?.(GUEST, NAMED, { refusal: "name_mismatch", shown: { by: "tls", name: "x.test", alpn, ech: true } });
  assertEquals(file.lines.length, 1, "one line");
  assertEquals((file.lines[0]!.shown as { alpn: unknown }).alpn, alpn, "as it was");
});

Deno.test("audit: every key of every line is in the schema, for its kind", () => {
  const { file, audit, observers: { routedTcp }, clock } = setup();
  routedTcp.opened(GUEST, HOST, PEER, undefined, NAMED);
  routedTcp.judged?.(GUEST, NAMED, { refusal: null, shown: SHOWN });
  routedTcp.judged?.(GUEST, NAMED, { refusal: "malformed", shown: null });
  routedTcp.done(GUEST, HOST, PEER, eof(), NAMED);
  audit.answered({ guest: GUEST, name: "a.test", type: 1 });
  for (let i = 0; i < MAX_DECISIONS + 1; i++) audit.refusedQuestion({ guest: GUEST, name: "a.test", type: 1 }, "limit");
  clock.now += 1_000;
  audit.refusedFlow({ network: "udp", guest: GUEST, to: PEER, name: null, reason: "no_rule" });
  audit.replaced(2, 0);
  const seen = new Set<string>();
  for (const line of file.lines) {
    const kind = String(line.kind);
    seen.add(kind);
    for (const key of Object.keys(line)) {
      if (key === "time" || key === "kind") continue;
      const row = KEYS.find((row) => row.key === key);
      assert(row?.kinds.some((one) => one === kind), `${key} of ${kind}`);
    }
  }
  assertEquals([...seen].toSorted(), Object.keys(KIND_TEXTS).filter((kind) => kind !== "revoked").toSorted());
});
