import { Associations, type GuestDatagram } from "../../../forward/udp/associations.ts";
import { IdleTable } from "../../../forward/udp/idle_table.ts";
import { HostError, type HostFailure, type LostDatagram } from "../../../forward/host/host_network.ts";
import { DEFAULT_LIMITS, MAX_PEERS } from "../../../forward/limits/limits.ts";
import { ASSOCIATION_IDLE_MS, SWEEP_MS, UNCROWDED_IDLE_MS } from "../../../forward/limits/timeouts.ts";
import { formatEndpoint, IpAddress } from "../../../stack/base/address.ts";
import { DEFAULT_ADDRESSES } from "../../../stack/link/addresses.ts";
import type { Unreachable } from "../../../stack/base/layers.ts";
import { assertEquals } from "../../assert.ts";
import { FakeHost } from "../bed/fake_host.ts";
import { endpoint, FakeScheduler } from "../bed/fakes.ts";
import { guestDatagram, guestSender } from "../bed/guest_datagram.ts";

function setup() {
  const scheduler = new FakeScheduler();
  const idle = new IdleTable(scheduler);
  const host = new FakeHost();
  const { sockets } = host;
  const toGuest: string[] = [];
  const errors: (Unreachable | "time exceeded")[] = [];
  const relayed: string[] = [];
  const lines: string[] = [];
  const state = { blocked: new Set<string>() };
  const associations = new Associations({
    host,
    scheduler,
    idle,
    shown: (local) => local,
    policy: { decide: (_, address, port) => ({ allowed: !state.blocked.has(formatEndpoint({ address, port })) }) },
    guest: guestSender(toGuest),
    icmp: {
      relay: (type, code, from, packet, _offset, _end, rest) =>
        relayed.push(`${type}/${code} ${rest} from ${from} about ${packet.toHex()}`),
      unreachable: (what, packet) => relayed.push(`${what} about ${packet.toHex()}`),
      packetTooBig: (mtu, packet) => relayed.push(`too big ${mtu} about ${packet.toHex()}`),
    },
    own: DEFAULT_ADDRESSES,
    observer: {
      opened: (guest, local, first) => lines.push(`new ${[guest, local, first].map(formatEndpoint).join(" ")}`),
      done: (guest, _local, _first, ends) => lines.push(`done ${formatEndpoint(guest)} ${ends}`),
      failed: (guest, to, ends) => lines.push(`error ${formatEndpoint(guest)} ${formatEndpoint(to)} ${ends}`),
    },
  });
  /** A datagram from the guest. */
  const say = (from: string, to: string, text = "x") =>
    associations.takeDatagram(guestDatagram(from, to, text, errors));
  /** The same, that travels in another way. */
  const travel = (to: string, text: string, how: Partial<Pick<GuestDatagram, "hopLimit" | "dontFragment">>) =>
    associations.takeDatagram(guestDatagram(GUEST, to, text, errors, how));
  return { relayed, travel, scheduler, sockets, toGuest, errors, lines, host, state, idle, associations, say };
}

const address = IpAddress.parse;
const GUEST = "10.0.2.100:4000";

Deno.test("associations: one socket for a guest's port, whatever it sends to", () => {
  const { sockets, toGuest, lines, say, associations } = setup();
  say(GUEST, "192.0.2.1:53", "one");
  say(GUEST, "192.0.2.2:9", "two");
  say("10.0.2.100:4001", "192.0.2.1:53", "three");
  assertEquals(sockets.map((socket) => socket.sent), [
    ["192.0.2.1:53 one", "192.0.2.2:9 two"],
    ["192.0.2.1:53 three"],
  ]);
  assertEquals(formatEndpoint({ address: sockets[0].local.address, port: 0 }), "0.0.0.0:0");
  sockets[0].hears("192.0.2.2:9", "answer");
  assertEquals(toGuest, ["192.0.2.2:9 > 10.0.2.100:4000 answer"]);
  assertEquals(lines[0], "new 10.0.2.100:4000 0.0.0.0:50000 192.0.2.1:53");
  assertEquals(associations.size, 2);
});

Deno.test("associations: IPv6", () => {
  const { sockets, toGuest, say } = setup();
  say("[fd00::100]:4000", "[2001:db8::1]:53", "one");
  say("[fd00::100]:4000", "[2001:db8::2]:53", "two");
  say("[fd00::101]:4000", "[2001:db8::1]:53", "three");
  assertEquals(sockets.map((socket) => socket.sent), [
    ["[2001:db8::1]:53 one", "[2001:db8::2]:53 two"],
    ["[2001:db8::1]:53 three"],
  ]);
  assertEquals(formatEndpoint({ address: sockets[0].local.address, port: 0 }), "[::]:0");
  sockets[1].hears("[2001:db8::1]:53", "answer");
  sockets[1].hears("[2001:db8::2]:53", "stranger");
  assertEquals(toGuest, ["[2001:db8::1]:53 > [fd00::101]:4000 answer"]);
});

Deno.test("associations: only addresses that were sent to may answer, from any port", () => {
  const { sockets, toGuest, say } = setup();
  say(GUEST, "192.0.2.1:69");
  sockets[0].hears("192.0.2.9:69", "stranger");
  sockets[0].hears("192.0.2.1:3333", "other port");
  assertEquals(toGuest, ["192.0.2.1:3333 > 10.0.2.100:4000 other port"]);
});

Deno.test("associations: peers are bounded; the one not sent to for longest goes", () => {
  const { sockets, toGuest, say, scheduler, associations } = setup();
  const peer = (n: number) => `192.0.${n >> 8}.${n & 255}:9`;
  for (let n = 0; n < MAX_PEERS; n++) {
    scheduler.advance(1);
    say(GUEST, peer(n));
  }
  scheduler.advance(1);
  say(GUEST, peer(0));
  say(GUEST, "198.51.100.1:9");
  sockets[0].hears(peer(0), "kept");
  sockets[0].hears(peer(1), "gone");
  sockets[0].hears("198.51.100.1:9", "new");
  assertEquals(toGuest.map((line) => line.split(" ").at(-1)), ["kept", "new"]);
  assertEquals(associations.size, 1);
});

Deno.test("associations: a refused datagram is dropped, answered with ICMP, and leaves nothing behind", () => {
  const { sockets, errors, state, say, associations } = setup();
  state.blocked.add("192.0.2.1:9");
  say(GUEST, "192.0.2.1:9");
  assertEquals(errors, ["prohibited"], "errors");
  assertEquals(sockets.length, 0, "number of sockets");
  assertEquals(associations.size, 0, "associations");
  say(GUEST, "192.0.2.1:10");
  say(GUEST, "192.0.2.1:9");
  assertEquals(errors.length, 2, "number of errors");
  assertEquals(sockets[0].sent, ["192.0.2.1:10 x"], "what socket 0 has sent");
});

Deno.test("associations: without a descriptor the datagram is refused and the next one is tried", () => {
  const { sockets, errors, host, say, lines, associations } = setup();
  host.failures.set("*", new HostError("resources", "too many open files"));
  say(GUEST, "192.0.2.1:9");
  assertEquals(errors, ["port"], "errors");
  assertEquals(associations.size, 0, "associations");
  assertEquals(lines, ["error 10.0.2.100:4000 192.0.2.1:9 l=0/0 r=0/[too many open files]"]);
  host.failures.clear();
  say(GUEST, "192.0.2.1:9");
  assertEquals(sockets[0].sent.length, 1);
});

/** What the host may say of a datagram with the data "x". */
const lost = { icmp: null, mtu: 0, data: Uint8Array.of(0x78), length: 1 };

Deno.test("associations: a lost datagram is answered with the error about it, and nothing is remembered", () => {
  const { sockets, errors, relayed, say } = setup();
  say(GUEST, "192.0.2.1:9");
  const { handler } = sockets[0];
  const refused = { ...lost, icmp: { type: 3, code: 3, from: address("192.0.2.1") } };
  handler.failed(new HostError("refused", "refused"), endpoint("192.0.2.1:9"), refused);
  // ident 0, DF, TTL 1, UDP; 10.0.2.100:4000 > 192.0.2.1:9, 9 bytes, "x"
  const packet = "4500001d00004000" + "0111ab6b" + "0a000264c0000201" + "0fa000090009a9cd" + "78";
  assertEquals(relayed, [`3/3 0 from 192.0.2.1 about ${packet}`]);
  say(GUEST, "192.0.2.1:10");
  say(GUEST, "192.0.2.1:9");
  assertEquals(sockets[0].sent.length, 3, "the next ones go out, to any port");
  assertEquals(errors, []);
});

Deno.test("associations: errors of routers and of the host itself; what can't be told is not", () => {
  const { sockets, relayed, say } = setup();
  say(GUEST, "192.0.2.1:9");
  say("[fd00::100]:4000", "[2001:db8::1]:9");
  const tell = (socket: number, to: string, failure: HostFailure, what: Partial<LostDatagram>) =>
    sockets[socket].handler.failed(new HostError(failure, "-"), endpoint(to), { ...lost, ...what });
  const icmp = (type: number, code: number, from: string) => ({ type, code, from: address(from) });
  tell(0, "192.0.2.1:9", "host-unreachable", { icmp: icmp(11, 0, "198.51.100.9") });
  tell(0, "192.0.2.1:9", "other", { icmp: icmp(3, 4, "198.51.100.9"), mtu: 1400 });
  tell(0, "192.0.2.1:9", "other", { mtu: 1280, length: 3000 });
  tell(0, "192.0.2.1:9", "network-unreachable", {});
  tell(1, "[2001:db8::1]:9", "other", { icmp: icmp(2, 0, "2001:db8::9"), mtu: 1300 });
  tell(1, "[2001:db8::1]:9", "host-unreachable", { icmp: icmp(3, 0, "fe80::1") });
  tell(1, "[2001:db8::1]:9", "host-unreachable", { icmp: icmp(3, 0, "192.0.2.9") });
  assertEquals(relayed.map((line) => line.replace(/ about .*/, "")), [
    "11/0 0 from 198.51.100.9",
    "3/4 1400 from 198.51.100.9",
    "too big 1280",
    "network",
    "2/0 1300 from 2001:db8::9",
    "3/0 0 from null", // a link-local address is nothing to the guest
    "3/0 0 from null", // nor is one of the other version
  ]);
  relayed.length = 0;
  tell(0, "192.0.2.1:9", "other", { icmp: icmp(12, 0, "198.51.100.9") }); // it points into another header
  tell(0, "192.0.2.1:9", "other", {}); // nothing to say
  tell(0, "192.0.2.2:9", "refused", { icmp: icmp(3, 3, "192.0.2.2") }); // never sent to
  sockets[0].handler.failed(new HostError("refused", "-"), endpoint("192.0.2.1:9"), null);
  sockets[0].handler.failed(new HostError("refused", "-"), null, null);
  assertEquals(relayed, []);
});

Deno.test("associations: IPv6's quotation, byte for byte", () => {
  const { sockets, relayed, say } = setup();
  say("[fd00::100]:4000", "[2001:db8::1]:9");
  const icmp = { type: 1, code: 4, from: address("2001:db8::1") };
  const to = endpoint("[2001:db8::1]:9");
  sockets[0].handler.failed(new HostError("refused", "refused"), to, { ...lost, icmp });
  const packet = "6000000000091101" + "fd000000000000000000000000000100" + "20010db8000000000000000000000001" +
    "0fa000090009" + "4c78" + "78";
  assertEquals(relayed, [`1/4 0 from 2001:db8::1 about ${packet}`]);
});

Deno.test("associations: a low hop limit is passed on, less one; the usual ones are the host's own", () => {
  const { sockets, errors, travel } = setup();
  for (const hopLimit of [64, 255, 48, 2, 2, 30, 64]) travel("192.0.2.1:9", "x", { hopLimit });
  assertEquals(sockets[0].paths, ["before 3: 1", "before 5: 29", "before 6: 0"]);
  travel("192.0.2.1:9", "x", { hopLimit: 1 });
  assertEquals(errors, ["time exceeded"]);
  assertEquals(sockets[0].sent.length, 7, "what ends here is not sent");
  travel("10.0.2.2:9", "x", { hopLimit: 1 });
  assertEquals(sockets[0].sent.length, 8, "the router's own address is no hop further");
  assertEquals(errors.length, 1);
});

Deno.test("associations: what may not be fragmented is not, where that can make a difference", () => {
  const { sockets, travel } = setup();
  const large = "x".repeat(549);
  travel("192.0.2.1:9", "x".repeat(548), { dontFragment: true });
  assertEquals(sockets[0].paths, []);
  travel("192.0.2.1:9", large, { dontFragment: true });
  travel("192.0.2.1:9", "x", { dontFragment: true });
  assertEquals(sockets[0].paths, ["before 1: 0 whole"]);
  travel("192.0.2.1:9", large, {});
  assertEquals(sockets[0].paths.slice(1), ["before 3: 0"]);
});

const IDLE: readonly [string, number, (s: ReturnType<typeof setup>) => void][] = [
  ["questions to port 53", UNCROWDED_IDLE_MS, (s) => {
    s.say(GUEST, "192.0.2.1:53");
    s.say(GUEST, "192.0.2.2:53");
    s.sockets[0].hears("192.0.2.1:53", "a");
    s.sockets[0].hears("192.0.2.2:53", "a");
  }],
  ["one question and one answer", UNCROWDED_IDLE_MS, (s) => {
    s.say(GUEST, "192.0.2.1:123");
    s.sockets[0].hears("192.0.2.1:123", "a");
  }],
  ["a conversation", ASSOCIATION_IDLE_MS, (s) => {
    s.say(GUEST, "192.0.2.1:123");
    s.say(GUEST, "192.0.2.1:123");
  }],
  ["questions to port 53 and others", ASSOCIATION_IDLE_MS, (s) => {
    s.say(GUEST, "192.0.2.1:53");
    s.say(GUEST, "192.0.2.1:123");
  }],
];
for (const [what, time, talk] of IDLE) {
  Deno.test(`associations: ${what} end when idle for ${time} ms`, () => {
    const s = setup();
    talk(s);
    s.scheduler.advance(time - SWEEP_MS);
    assertEquals(s.associations.size, 1, "associations");
    assertEquals(s.sockets[0].closed, false, "socket 0 was closed");
    s.scheduler.advance(2 * SWEEP_MS);
    assertEquals(s.associations.size, 0, "associations");
    assertEquals(s.sockets[0].closed, true, "socket 0 was closed");
    assertEquals(s.lines.at(-1), "done 10.0.2.100:4000 l=[idle timeout]/0 r=0/0");
    s.scheduler.advance(10 * SWEEP_MS);
    assertEquals(s.scheduler.timerCount, 0); // nothing to do: no timer
    s.say(GUEST, "192.0.2.1:53");
    assertEquals(s.sockets.length, 2);
  });
}

Deno.test("associations: traffic either way keeps one alive", () => {
  const { scheduler, say, sockets, associations } = setup();
  say(GUEST, "192.0.2.1:53");
  for (let i = 0; i < 5; i++) {
    scheduler.advance(UNCROWDED_IDLE_MS * 0.7);
    if (i % 2 === 0) sockets[0].hears("192.0.2.1:53", "a");
    else say(GUEST, "192.0.2.1:53");
  }
  assertEquals(associations.size, 1);
  scheduler.advance(UNCROWDED_IDLE_MS * 0.7);
  sockets[0].hears("192.0.2.9:53", "a stranger does not");
  scheduler.advance(UNCROWDED_IDLE_MS * 0.5);
  assertEquals(associations.size, 0);
});

Deno.test("associations: when there are too many, the one idle longest goes", () => {
  const { scheduler, say, sockets, associations } = setup();
  for (let i = 0; i < DEFAULT_LIMITS.udpAssociations; i++) {
    say(`10.0.2.100:${1 + i}`, "192.0.2.1:53");
    if (i === 0) scheduler.advance(1);
  }
  scheduler.advance(1);
  say("10.0.2.100:1", "192.0.2.1:53"); // in use again
  say("10.0.2.100:60000", "192.0.2.1:53");
  assertEquals(associations.size, DEFAULT_LIMITS.udpAssociations);
  assertEquals([sockets[0].closed, sockets[1].closed, sockets[2].closed], [false, true, false]);
});

Deno.test("associations: close ends all", () => {
  const { say, sockets, associations, idle, toGuest } = setup();
  say(GUEST, "192.0.2.1:53");
  say("10.0.2.100:4001", "192.0.2.1:53");
  idle.close();
  sockets[0].hears("192.0.2.1:53", "late");
  assertEquals(associations.size, 0, "associations");
  assertEquals(sockets.every((socket) => socket.closed), true, "sockets every socket => socket closed");
  assertEquals(toGuest, [], "to guest");
});
