import { EndReasons } from "../../../../forward/report/end_report.ts";
import { flowPrinters } from "../../../../forward/report/flow_printer.ts";
import { HostError } from "../../../../forward/host/host_network.ts";
import { DEFAULT_LIMITS, MAX_WAITING_DATAGRAMS } from "../../../../forward/limits/limits.ts";
import { SWEEP_MS, UNCROWDED_IDLE_MS } from "../../../../forward/limits/timeouts.ts";
import { Target } from "../../../../forward/names/target.ts";
import { parseForward } from "../../../../forward/syntax/forward_spec.ts";
import { Output } from "../../../../forward/report/output.ts";
import { RemoteUdpAssociations } from "../../../../forward/forwards/remote/udp_associations.ts";
import type { RemoteForward } from "../../../../forward/forwards/remote/table.ts";
import { IdleTable } from "../../../../forward/udp/idle_table.ts";
import { IpAddress } from "../../../../stack/base/address.ts";
import type { Unreachable } from "../../../../stack/base/layers.ts";
import { assert, assertEquals } from "../../../assert.ts";
import { FakeHost, FakeNames } from "../../bed/fake_host.ts";
import { endpoint, FakeScheduler, settled } from "../../bed/fakes.ts";
import { guestDatagram, guestSender } from "../../bed/guest_datagram.ts";

function setup(...targets: readonly string[]) {
  const scheduler = new FakeScheduler(), host = new FakeHost(), idle = new IdleTable(scheduler);
  const names = new FakeNames({ addresses: { web: "192.0.2.1" } });
  const lines: string[] = [], toGuest: string[] = [], errors: Unreachable[] = [], quoted: string[] = [];
  const output = new Output({ writeSync: (bytes) => lines.push(decode(bytes)) && bytes.length });
  const datagrams = new RemoteUdpAssociations({
    scheduler,
    host,
    idle,
    guest: guestSender(toGuest),
    icmp: { unreachable: (what, packet) => quoted.push(`${what} ${shownPacket(packet)}`) },
    observers: flowPrinters(output).remoteUdp,
    shown: (local) => ({ ...local, address: endpoint("198.51.100.1:0").address }),
  });
  const forwards = targets.map((text, i): RemoteForward => {
    const spec = parseForward(text, "remote");
    const target = new Target(spec.target, { names, ttl: 1_000, now: () => scheduler.now(), random: () => 0 });
    return { bind: endpoint(`10.0.2.2:${53 + i}`), target, oneAnswer: spec.oneAnswer };
  });
  /** The guest sends to a forward. */
  const say = (text: string, from = GUEST, forward = forwards[0]) => {
    const bind = from.startsWith("[") ? "[fd00::2]:53" : `10.0.2.2:${forward.bind.port}`;
    datagrams.takeDatagram(guestDatagram(from, bind, text, errors), forward);
  };
  return {
    scheduler,
    host,
    idle,
    names,
    lines,
    toGuest,
    errors,
    quoted,
    datagrams,
    forwards,
    sockets: host.sockets,
    say,
  };
}

/** An IPv4 packet with a UDP datagram: `FROM > TO TEXT`. */
function shownPacket(packet: Uint8Array): string {
  const end = (address: number, port: number) =>
    `${packet.slice(address, address + 4).join(".")}:${packet[port] << 8 | packet[port + 1]}`;
  return `${end(12, 20)} > ${end(16, 22)} ${new TextDecoder().decode(packet.slice(28))}`;
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trimEnd();
const GUEST = "10.0.2.100:4000";

Deno.test("remote UDP: a socket for each of the guest's ports and each forward", () => {
  const { sockets, toGuest, lines, datagrams, forwards, say } = setup("udp://53:192.0.2.7:5353", "udp://54:[::1]:54");
  say("one");
  say("two", "10.0.2.100:4001");
  say("three", GUEST, forwards[1]);
  say("four");
  assertEquals(sockets.map(({ sent }) => sent), [
    ["192.0.2.7:5353 one", "192.0.2.7:5353 four"],
    ["192.0.2.7:5353 two"],
    ["[::1]:54 three"],
  ]);
  sockets[1].hears("192.0.2.7:5353", "answer two");
  sockets[2].hears("[::1]:54", "answer three");
  assertEquals(toGuest, [
    "10.0.2.2:53 > 10.0.2.100:4001 answer two",
    "10.0.2.2:54 > 10.0.2.100:4000 answer three",
  ]);
  assertEquals(datagrams.size, 3, "associations");
  assertEquals(lines.length, 3, "number of lines");
  assertEquals(lines[0], "[+] udp://10.0.2.100:4000-10.0.2.2:53/198.51.100.1:50000-192.0.2.7:5353 remote-fwd conn new");
});

Deno.test("remote UDP: only the target may answer", () => {
  const { sockets, toGuest, say } = setup("udp://53:192.0.2.7:5353");
  say("one");
  sockets[0].hears("192.0.2.7:5354", "x");
  sockets[0].hears("192.0.2.8:5353", "x");
  sockets[0].hears("[2001:db8::1]:5353", "x");
  assertEquals(toGuest, []);
});

Deno.test("remote UDP: the associations of a forward that is removed end, and no others", async () => {
  const { sockets, datagrams, forwards, lines, say } = setup("udp://53:192.0.2.7:53", "udp://54:web:54", "udp://55");
  say("one");
  say("two", "10.0.2.100:4001");
  say("three", GUEST, forwards[2]);
  say("four", GUEST, forwards[1]); // its target is being looked up
  for (const i of [0, 1]) datagrams.endAll(forwards[i], EndReasons.FORWARD_REMOVED);
  datagrams.endAll(forwards[0], EndReasons.FORWARD_REMOVED);
  await settled();
  assertEquals(sockets.map(({ closed }) => closed), [true, true, false], "sockets that are closed");
  assertEquals(datagrams.size, 1, "associations");
  const done = lines.filter((line) => line.endsWith("remote-fwd conn done: l=[forward removed]/0 r=0/0"));
  assertEquals(done.length, 2, lines.join("\n"));
});

Deno.test("remote UDP: udprpc is over after one answer, and leaves nothing", () => {
  const { sockets, toGuest, lines, datagrams, idle, say } = setup("udprpc://53:192.0.2.7:5353");
  say("one");
  sockets[0].hears("192.0.2.7:5353", "answer");
  assertEquals(toGuest.length, 1, "datagrams to the guest");
  assertEquals(sockets[0].closed, true, "socket 0 was closed");
  assertEquals(datagrams.size, 0, "associations");
  assertEquals(idle.size, 0, "entries of the idle table");
  assert(lines[1].endsWith("192.0.2.7:5353 remote-fwd conn done: l=0/0 r=[EOF]/0"), lines[1]);
  say("two");
  assertEquals(sockets.length, 2, "number of sockets");
  assertEquals(datagrams.size, 1, "associations");
});

Deno.test("remote UDP: idle ends and the limit are those of the table", () => {
  const { sockets, datagrams, scheduler, lines, say } = setup("udp://53:192.0.2.7:53");
  say("one");
  sockets[0].hears("192.0.2.7:53", "answer");
  scheduler.advance(UNCROWDED_IDLE_MS - SWEEP_MS);
  assertEquals(datagrams.size, 1);
  scheduler.advance(2 * SWEEP_MS);
  assertEquals(datagrams.size, 0, "associations");
  assertEquals(sockets[0].closed, true, "socket 0 was closed");
  assert(lines.at(-1)!.endsWith("remote-fwd conn done: l=[idle timeout]/0 r=0/0"));
  for (let i = 0; i <= DEFAULT_LIMITS.udpAssociations; i++) say("x", `10.0.2.100:${1 + i}`);
  assertEquals(datagrams.size, DEFAULT_LIMITS.udpAssociations, "associations at the limit");
  assertEquals(sockets.filter(({ closed }) => !closed).length, DEFAULT_LIMITS.udpAssociations, "open sockets");
});

Deno.test("remote UDP: a lost one is answered itself, from the forward's address, and nothing is remembered", () => {
  const { sockets, errors, quoted, say } = setup("udp://53:192.0.2.7:5353");
  say("one");
  const { handler } = sockets[0];
  const lost = { icmp: null, mtu: 0, data: new TextEncoder().encode("one"), length: 3 };
  const icmp = { type: 3, code: 3, from: IpAddress.parse("192.0.2.7") };
  handler.failed(new HostError("refused", "refused"), endpoint("192.0.2.7:5353"), { ...lost, icmp });
  assertEquals(quoted, ["port 10.0.2.100:4000 > 10.0.2.2:53 one"]);
  handler.failed(new HostError("network-unreachable", "no way"), endpoint("192.0.2.7:5353"), lost);
  handler.failed(new HostError("other", "message too long"), endpoint("192.0.2.7:5353"), lost);
  handler.failed(new HostError("refused", "refused"), null, null);
  assertEquals(quoted.slice(1), ["network 10.0.2.100:4000 > 10.0.2.2:53 one"]);
  say("two");
  assertEquals(sockets[0].sent.length, 2, "the next one goes out");
  assertEquals(errors, []);
});

Deno.test("remote UDP: what waited for a name that has no address is answered", async () => {
  const { quoted, say } = setup("udp://53:nowhere.example:5353");
  say("one");
  say("two");
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(quoted, ["host 10.0.2.100:4000 > 10.0.2.2:53 one", "host 10.0.2.100:4000 > 10.0.2.2:53 two"]);
});

Deno.test("remote UDP: without a descriptor the datagram is refused and the next one is tried", () => {
  const { host, sockets, errors, lines, datagrams, idle, say } = setup("udp://53:192.0.2.7:5353");
  host.failures.set("*", new HostError("resources", "too many open files"));
  say("one");
  assertEquals(errors, ["port"], "errors");
  assertEquals(datagrams.size, 0, "associations");
  assertEquals(idle.size, 0, "entries of the idle table");
  assertEquals(lines, [
    "[!] udp://10.0.2.100:4000-10.0.2.2:53/192.0.2.7:5353 remote-fwd conn error: l=0/0 r=0/[too many open files]",
  ]);
  host.failures.clear();
  say("two");
  assertEquals(sockets[0].sent, ["192.0.2.7:5353 two"]);
});

Deno.test("remote UDP: a port that the guest has closed ends the association", () => {
  const { sockets, datagrams, forwards, say } = setup("udp://53:192.0.2.7:5353");
  say("one");
  datagrams.guestUnreachable(forwards[0], endpoint("10.0.2.100:4001"));
  assertEquals(datagrams.size, 1);
  datagrams.guestUnreachable(forwards[0], endpoint(GUEST));
  assertEquals(datagrams.size, 0, "associations");
  assertEquals(sockets[0].closed, true, "socket 0 was closed");
});

Deno.test("remote UDP: what waits for a name is sent in order, up to a limit", async () => {
  const { sockets, names, say } = setup("udp://53:web:5353");
  for (let i = 0; i < MAX_WAITING_DATAGRAMS + 5; i++) say(`d${i}`);
  say("other", "10.0.2.100:4001");
  assertEquals(sockets.length, 0, "sockets before the name has an address");
  assertEquals(names.asked.length, 1, "lookups");
  await settled();
  assertEquals(sockets[0].sent, Array.from({ length: MAX_WAITING_DATAGRAMS }, (_, i) => `192.0.2.1:5353 d${i}`));
  assertEquals(sockets[1].sent, ["192.0.2.1:5353 other"]);
});

Deno.test("remote UDP: a name without an address leaves a line and nothing else", async () => {
  const { sockets, idle, lines, datagrams, say } = setup("udp://53:none:5353");
  say("one");
  assertEquals(idle.size, 1, "entries of the idle table");
  assertEquals(datagrams.size, 1, "associations");
  await settled();
  assertEquals(idle.size, 0, "entries of the idle table");
  assertEquals(datagrams.size, 0, "associations");
  assertEquals(sockets.length, 0, "number of sockets");
  const reason = "dns lookup error of udp addr: lookup none: no such host";
  assertEquals(lines, [`[!] udp://10.0.2.100:4000-10.0.2.2:53/none-failed remote-fwd ${reason}`]);
});

Deno.test("remote UDP: over before the name is known", async () => {
  const { sockets, idle, lines, datagrams, say } = setup("udp://53:web:5353", "udp://54:none:1");
  say("one");
  idle.close();
  await settled();
  assertEquals(idle.size, 0, "entries of the idle table");
  assertEquals(datagrams.size, 0, "associations");
  assertEquals(sockets.length, 0, "number of sockets");
  assertEquals(lines, [], "lines");
});
