import { NamedUdp } from "../../../forward/egress/named_udp.ts";
import { FlowGate } from "../../../forward/gate/gate.ts";
import { HeldBytes } from "../../../forward/gate/held_bytes.ts";
import { ASSOCIATION_IDLE_MS } from "../../../forward/limits/timeouts.ts";
import { IdleTable } from "../../../forward/udp/idle_table.ts";
import { formatEndpoint } from "../../../stack/base/address.ts";
import type { Unreachable } from "../../../stack/base/layers.ts";
import { assertEquals } from "../../assert.ts";
import { FakeHost } from "../bed/fake_host.ts";
import { endpoint, FakeScheduler, settled } from "../bed/fakes.ts";
import { guestDatagram, guestSender } from "../bed/guest_datagram.ts";
import { clientHello } from "../../../scripts/lab/hello.ts";
import { cryptoFrame, initial } from "../../../scripts/lab/quic.ts";
import { RulesBed } from "./bed.ts";

const GUEST = "10.0.2.100:4000";

/** The guest's datagrams to names. */
class Bed {
  readonly scheduler = new FakeScheduler();
  readonly host = new FakeHost();
  readonly toGuest: string[] = [];
  readonly errors: (Unreachable | "time exceeded")[] = [];
  /** ICMP errors after the datagram was taken. */
  readonly later: string[] = [];
  readonly udp: NamedUdp;

  constructor(readonly world: RulesBed) {
    const { scheduler, host } = this;
    this.udp = new NamedUdp({
      ...world,
      scheduler,
      host,
      idle: new IdleTable(scheduler),
      guest: guestSender(this.toGuest),
      icmp: { unreachable: (what) => this.later.push(what) },
      shown: (local) => local,
      gate: new FlowGate(scheduler, new HeldBytes(100_000)),
    });
  }

  static async open(rules: string, table: Record<string, string>): Promise<Bed> {
    return new Bed(await RulesBed.open(rules, table));
  }

  /** The guest sends to a name's own address. */
  says(name: string, port: number, text: string | Uint8Array): void {
    const to = formatEndpoint(this.world.at(name, port));
    this.udp.takeDatagram(guestDatagram(GUEST, to, text, this.errors));
  }
}

const TABLE = { "ntp.example": "192.0.2.1", "loop.example": "127.0.0.1" };

Deno.test("datagrams to an own address go to the name, and answers come from the own address", async () => {
  const bed = await Bed.open("udp://ntp.example:123", TABLE);
  bed.says("ntp.example", 123, "one");
  await settled();
  bed.says("ntp.example", 123, "two");
  const [socket] = bed.host.sockets;
  assertEquals(socket!.sent, ["192.0.2.1:123 one", "192.0.2.1:123 two"]);
  socket!.hears("192.0.2.1:123", "answer");
  socket!.hears("192.0.2.9:123", "a stranger's");
  assertEquals(bed.toGuest, [`${formatEndpoint(bed.world.at("ntp.example", 123))} > ${GUEST} answer`]);
  assertEquals(bed.world.own.find("ntp.example")!.flows, 1, "a flow of the name");
  bed.scheduler.advance(2 * ASSOCIATION_IDLE_MS);
  assertEquals(bed.udp.size, 0, "it ends when idle");
  assertEquals(bed.world.own.find("ntp.example")!.flows, 0, "and is no flow any more");
});

Deno.test("no rule, a stale address: prohibited at once, and nothing leaves", async () => {
  const bed = await Bed.open("udp://ntp.example:123", TABLE);
  bed.says("ntp.example", 124, "x");
  bed.says("other.example", 123, "x");
  bed.udp.takeDatagram(guestDatagram(GUEST, "198.18.0.1:123", "x", bed.errors));
  assertEquals(bed.errors, ["prohibited", "prohibited", "prohibited"]);
  assertEquals(bed.host.sockets, []);
  assertEquals(bed.udp.size, 0);
});

Deno.test("a name that leads to loopback is prohibited; one without an address, unreachable", async () => {
  const bed = await Bed.open("udp://loop.example:123,udp://none.example:123", TABLE);
  bed.says("loop.example", 123, "x");
  await settled();
  assertEquals(bed.later, ["prohibited"]);
  bed.says("none.example", 123, "x");
  await settled();
  assertEquals(bed.later, ["prohibited", "host"]);
  assertEquals(bed.host.sockets, [], "no socket");
  assertEquals(bed.world.refusals, ["udp loop.example 123 never_routed"]);
  assertEquals(bed.world.own.find("loop.example")!.flows, 0, "no flow is left");
});

Deno.test("new rules end the associations that they refuse", async () => {
  const bed = await Bed.open("udp://ntp.example:123", TABLE);
  bed.says("ntp.example", 123, "x");
  await settled();
  bed.world.replace("udp://ntp.example:123-124");
  bed.udp.judgeAgain();
  assertEquals(bed.udp.size, 1, "still allowed");
  bed.world.replace("");
  bed.udp.judgeAgain();
  assertEquals(bed.udp.size, 0, "refused now");
  assertEquals(bed.host.sockets[0].closed, true, "its socket is closed");
  bed.says("ntp.example", 123, "x");
  assertEquals(bed.errors, ["prohibited"], "and the next datagram is refused");
});

Deno.test("the guest's port unreachable ends the association", async () => {
  const bed = await Bed.open("udp://ntp.example:123", TABLE);
  bed.says("ntp.example", 123, "x");
  await settled();
  bed.udp.guestUnreachable(bed.world.at("ntp.example", 123), endpoint(GUEST));
  assertEquals(bed.udp.size, 0);
});

Deno.test("QUIC is held until it has shown the name", async () => {
  const bed = await Bed.open("ntp.example", TABLE);
  const hello = clientHello({ names: ["ntp.example"] }), evil = clientHello({ names: ["evil.test"] });
  const halves = [initial({ frames: cryptoFrame(hello, 100) }), initial({ frames: cryptoFrame(hello, 0, 100) })];
  bed.says("ntp.example", 443, initial({ frames: cryptoFrame(evil) }));
  bed.says("ntp.example", 443, halves[0]);
  await settled();
  const [socket] = bed.host.sockets;
  assertEquals(socket!.messages, [], "nothing before the name is complete");
  assertEquals(bed.later, ["prohibited"], "the other name");
  assertEquals(bed.world.refusals, ["udp ntp.example 443 name_mismatch"]);
  bed.says("ntp.example", 443, halves[1]);
  bed.says("ntp.example", 443, Uint8Array.of(0x41, 1, 2));
  assertEquals(socket!.messages, [...halves, Uint8Array.of(0x41, 1, 2)]);
  bed.says("ntp.example", 444, halves[1]);
  assertEquals(bed.errors, ["prohibited"], "another port");
});

Deno.test("without a rule for QUIC, UDP port 443 is prohibited at once", async () => {
  const bed = await Bed.open("ntp.example?quic=off,tls://ntp.example", TABLE);
  bed.says("ntp.example", 443, initial({ frames: cryptoFrame(clientHello({ names: ["ntp.example"] })) }));
  assertEquals(bed.errors, ["prohibited"]);
  assertEquals(bed.host.sockets, []);
});
