import { NamedTcpFlows } from "../../../forward/egress/named_tcp.ts";
import { FlowGate } from "../../../forward/gate/gate.ts";
import { HeldBytes } from "../../../forward/gate/held_bytes.ts";
import { HostError } from "../../../forward/host/host_network.ts";
import { NAME_ATTEMPT_MS } from "../../../forward/limits/timeouts.ts";
import { ConnectionCount } from "../../../forward/tcp/connection_count.ts";
import { Dials } from "../../../forward/tcp/dials.ts";
import { OutgoingFlows } from "../../../forward/tcp/outgoing.ts";
import { formatEndpoint } from "../../../stack/base/address.ts";
import { assertEquals } from "../../assert.ts";
import { FakeHost } from "../bed/fake_host.ts";
import { endpoint, FakeRequest, FakeScheduler, FakeStream, settled } from "../bed/fakes.ts";
import { clientHello, records } from "../../../scripts/lab/hello.ts";
import { RulesBed } from "./bed.ts";

/** The guest's connections to names. */
class Bed {
  readonly scheduler = new FakeScheduler();
  readonly host = new FakeHost();
  readonly connections = new ConnectionCount(10);
  readonly flows: NamedTcpFlows;

  constructor(readonly world: RulesBed, maxLookups = 2) {
    const { scheduler, connections } = this;
    const dials = new Dials(this.host, scheduler);
    const outgoing = new OutgoingFlows({ dials, connections, scheduler });
    const gate = new FlowGate(scheduler, new HeldBytes(100_000));
    this.flows = new NamedTcpFlows({ ...world, outgoing, connections, scheduler, gate, maxLookups });
  }

  static async open(rules: string, table: Record<string, string>, deny = ""): Promise<Bed> {
    return new Bed(await RulesBed.open(rules, table, deny));
  }

  /** The guest connects to a name's own address. */
  connects(name: string, port: number, version: 4 | 6 = 4): FakeRequest {
    const request = new FakeRequest(this.world.at(name, port, version));
    this.flows.request(request);
    return request;
  }

  get dialled(): string[] {
    return this.host.dials.map(({ remote }) => formatEndpoint(remote));
  }

  /** All flows are over, and none is counted any more. */
  assertEmpty(name: string): void {
    assertEquals(this.flows.size, 0, "flows");
    assertEquals(this.connections.size, 0, "connections");
    assertEquals(this.world.own.claim(name)!.flows, 0, "flows of the name");
  }
}

const TABLE = { "a.example": "192.0.2.1 192.0.2.2 2001:db8::1", "six.example": "2001:db8::6" };

Deno.test("a SYN to an own address dials the name, and is answered when the connection stands", async () => {
  const bed = await Bed.open("tcp://a.example:22", TABLE);
  const request = bed.connects("a.example", 22);
  assertEquals(bed.dialled, ["192.0.2.1:22"]);
  assertEquals(request.verdict, null, "before");
  const stream = new FakeStream();
  bed.host.dials[0].answer.resolve(stream);
  await settled();
  assertEquals(request.verdict, "accepted", "after");
  assertEquals(bed.world.own.find("a.example")!.flows, 1, "a flow of the name");
  request.flow.ends("reset");
  bed.assertEmpty("a.example");
});

Deno.test("the addresses of the SYN's own version are dialled, or else the others", async () => {
  const bed = await Bed.open("tcp://a.example:22,tcp://six.example:22", TABLE);
  bed.connects("a.example", 22, 6);
  bed.connects("six.example", 22, 4);
  assertEquals(bed.dialled, ["[2001:db8::1]:22", "[2001:db8::6]:22"]);
});

Deno.test("no rule for the port, a stale address, a name without an address", async () => {
  const bed = await Bed.open("tcp://a.example:22,tcp://none.example:22", TABLE);
  assertEquals(bed.connects("a.example", 23).verdict, "refused", "the port");
  assertEquals(bed.connects("b.example", 22).verdict, "refused", "the name");
  const stale = new FakeRequest(endpoint("198.18.0.1:22"));
  bed.flows.request(stale);
  assertEquals(stale.verdict, "refused", "the address");
  assertEquals(bed.connects("none.example", 22).verdict, "host", "no address");
  assertEquals(bed.world.refusals, [
    "tcp a.example 23 no_rule",
    "tcp b.example 22 no_rule",
    "tcp 198.18.0.1:22 22 stale_address",
  ]);
  assertEquals(bed.dialled, [], "nothing was dialled");
  bed.assertEmpty("a.example");
});

Deno.test("addresses that the name's owner may not choose are refused, in every form", async () => {
  const forms = {
    "loop.example": "127.0.0.1",
    "meta.example": "169.254.169.254",
    "inside.example": "192.168.1.1",
    "mapped.example": "::ffff:127.0.0.1",
    "mapped2.example": "::ffff:192.168.1.1",
    "nat64.example": "64:ff9b::c0a8:101",
    "sixtofour.example": "2002:7f00:1::",
    "sixtofour2.example": "2002:c0a8:101::",
    "denied.example": "203.0.113.7",
    "link.example": "fe80::1",
    "guest.example": "10.0.2.100",
  };
  const rules = Object.keys(forms).map((name) => `tcp://${name}:22`).join(",");
  const bed = await Bed.open(rules, forms, "203.0.113.0/24");
  for (const name of Object.keys(forms)) {
    assertEquals(
      bed.connects(name, 22, forms[name as keyof typeof forms].includes(":") ? 6 : 4).verdict,
      "refused",
      name,
    );
  }
  assertEquals(bed.dialled, []);
  assertEquals(
    bed.world.refusals.map((text) => text.split(" ")[3]).toSorted(),
    [
      "denied",
      ...Array(3).fill("host_network"),
      ...Array(7).fill("never_routed"),
    ].toSorted(),
  );
});

Deno.test("a name of the host's own may lead into the host", async () => {
  const bed = await Bed.open("tcp://own.example:22", { "own.example": "127.0.0.1" });
  bed.connects("own.example", 22);
  assertEquals(bed.dialled, ["127.0.0.1:22"]);
});

Deno.test("a refused address is left out, and the others are dialled one after the other", async () => {
  const bed = await Bed.open("tcp://m.example:22", { "m.example": "127.0.0.1 192.0.2.1 192.0.2.2" });
  const request = bed.connects("m.example", 22);
  bed.host.dials[0].answer.reject(new HostError("refused", "connection refused"));
  await settled();
  assertEquals(bed.dialled, ["192.0.2.1:22", "192.0.2.2:22"]);
  assertEquals(request.verdict, null, "there is another");
  assertEquals(bed.world.log, [], "and no line");
  bed.host.dials[1].answer.reject(new HostError("host-unreachable", "no route to host"));
  await settled();
  assertEquals(request.verdict, "host", "the last one's outcome");
  assertEquals(bed.world.log.length, 1, "one line");
  bed.assertEmpty("m.example");
});

Deno.test("an address that is silent makes way for the next, but the last one does not", async () => {
  const bed = await Bed.open("tcp://a.example:22", TABLE);
  const request = bed.connects("a.example", 22);
  bed.scheduler.advance(NAME_ATTEMPT_MS);
  assertEquals(bed.dialled, ["192.0.2.1:22", "192.0.2.2:22"]);
  assertEquals(bed.host.dials[0].aborted, true, "the first was given up");
  bed.scheduler.advance(NAME_ATTEMPT_MS);
  assertEquals(request.verdict, null, "the last one has its time");
  bed.host.dials[1].answer.resolve(new FakeStream());
  await settled();
  assertEquals(request.verdict, "accepted");
});

Deno.test("the guest gives up during the lookup, or during the dial", async () => {
  const bed = await Bed.open("tcp://a.example:22", TABLE);
  bed.world.answers.held = [];
  const during = bed.connects("a.example", 22);
  during.cancelled!();
  for (const answer of bed.world.answers.held.splice(0)) answer();
  assertEquals(bed.dialled, [], "nobody waits");
  bed.world.answers.held = null;
  bed.connects("a.example", 22).cancelled!();
  assertEquals(bed.host.dials[0].aborted, true, "the dial");
  bed.assertEmpty("a.example");
});

Deno.test("too many lookups: the oldest makes room", async () => {
  const bed = await Bed.open("tcp://a.example:22", TABLE);
  bed.world.answers.held = [];
  const requests = [1, 2, 3].map(() => bed.connects("a.example", 22));
  assertEquals(requests.map(({ verdict }) => verdict), ["dropped", null, null]);
});

Deno.test("the hop limit ends here as it does elsewhere", async () => {
  const bed = await Bed.open("tcp://a.example:22", TABLE);
  const request = new FakeRequest(bed.world.at("a.example", 22));
  request.hopLimit = 1;
  bed.flows.request(request);
  assertEquals(request.verdict, "time exceeded");
});

Deno.test("new rules end the flows that they refuse, and leave the others", async () => {
  const bed = await Bed.open("tcp://a.example:22,tcp://six.example:22", TABLE);
  const kept = bed.connects("a.example", 22), lost = bed.connects("six.example", 22);
  const dialling = bed.connects("six.example", 22);
  const streams = [new FakeStream(), new FakeStream()];
  streams.forEach((stream, i) => bed.host.dials[i].answer.resolve(stream));
  await settled();
  bed.world.replace("tcp://a.example:1-1000");
  bed.flows.judgeAgain();
  assertEquals(kept.flow.aborts, 0, "still allowed");
  assertEquals(lost.flow.aborts, 1, "refused now");
  assertEquals(streams[1].resets, 1, "on the host's side, too");
  assertEquals(dialling.verdict, "refused", "was being dialled");
  assertEquals(bed.flows.size, 1);
  assertEquals(bed.world.own.find("six.example")!.flows, 0);
});

Deno.test("a flow whose rule asks for a name is held until it has shown it", async () => {
  const bed = await Bed.open("a.example", TABLE);
  const good = bed.connects("a.example", 443), bad = bed.connects("a.example", 443);
  const [first, second] = [new FakeStream(() => true), new FakeStream(() => true)];
  bed.host.dials[0].answer.resolve(first);
  bed.host.dials[1].answer.resolve(second);
  await settled();
  const hello = records(clientHello({ names: ["a.example"] }));
  good.flow.sends(hello);
  bed.scheduler.runDeferred();
  assertEquals(first.fromGuest.length, hello.length, "its name");
  bad.flow.sends(records(clientHello({ names: ["evil.test"] })));
  assertEquals(second.fromGuest, [], "another name");
  assertEquals(bad.flow.toGuest, [21, 3, 3, 0, 2, 2, 49], "the alert");
  assertEquals(bed.world.refusals, ["tcp a.example 443 name_mismatch"]);
  assertEquals(bed.flows.size, 1, "flows");
  bed.world.replace("");
  bed.flows.judgeAgain();
  assertEquals(first.resets, 1, "new rules end it");
});

Deno.test("a client that keeps the own address for ever follows the name, whose addresses rotate", async () => {
  const table = { "a.example": "192.0.2.1" }, bed = await Bed.open("tcp://a.example:22", table);
  bed.connects("a.example", 22);
  bed.world.answers.table["a.example"] = "192.0.2.99";
  bed.connects("a.example", 22);
  bed.world.answers.table["a.example"] = "127.0.0.1";
  assertEquals(bed.connects("a.example", 22).verdict, "refused", "rebound to loopback between answer and dial");
  assertEquals(bed.dialled, ["192.0.2.1:22", "192.0.2.99:22"]);
});
