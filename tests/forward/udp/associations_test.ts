import { Associations } from "../../../forward/udp/associations.ts";
import { IdleTable } from "../../../forward/udp/idle_table.ts";
import { HostError } from "../../../forward/host/port.ts";
import { DEFAULT_LIMITS, MAX_PEERS } from "../../../forward/limits/limits.ts";
import { ASSOCIATION_IDLE_MS, SWEEP_MS, UDP_FAILURE_MS, UNCROWDED_IDLE_MS } from "../../../forward/limits/timeouts.ts";
import { formatEndpoint } from "../../../stack/base/address.ts";
import type { Unreachable } from "../../../stack/base/layers.ts";
import { assertEquals } from "../../assert.ts";
import { FakeHost } from "../bed/fake_host.ts";
import { endpoint, FakeScheduler } from "../bed/fakes.ts";
import { guestDatagram, guestSender } from "../bed/guest_datagram.ts";

function setup() {
  const loop = new FakeScheduler();
  const idle = new IdleTable(loop);
  const host = new FakeHost();
  const { sockets } = host;
  const toGuest: string[] = [];
  const errors: Unreachable[] = [];
  const lines: string[] = [];
  const state = { blocked: new Set<string>() };
  const associations = new Associations({
    host,
    loop,
    idle,
    shown: (local) => local,
    policy: { decide: (_, address, port) => ({ allowed: !state.blocked.has(formatEndpoint({ address, port })) }) },
    guest: guestSender(toGuest),
    log: {
      opened: (guest, local, first) => lines.push(`new ${[guest, local, first].map(formatEndpoint).join(" ")}`),
      done: (guest, _local, _first, ends) => lines.push(`done ${formatEndpoint(guest)} ${ends}`),
      failed: (guest, to, ends) => lines.push(`error ${formatEndpoint(guest)} ${formatEndpoint(to)} ${ends}`),
    },
  });
  /** A datagram from the guest. */
  const say = (from: string, to: string, text = "x") => associations.receive(guestDatagram(from, to, text, errors));
  return { loop, sockets, toGuest, errors, lines, host, state, idle, associations, say };
}

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
  assertEquals(formatEndpoint({ address: sockets[0]!.local.address, port: 0 }), "0.0.0.0:0");
  sockets[0]!.hears("192.0.2.2:9", "answer");
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
  assertEquals(formatEndpoint({ address: sockets[0]!.local.address, port: 0 }), "[::]:0");
  sockets[1]!.hears("[2001:db8::1]:53", "answer");
  sockets[1]!.hears("[2001:db8::2]:53", "stranger");
  assertEquals(toGuest, ["[2001:db8::1]:53 > [fd00::101]:4000 answer"]);
});

Deno.test("associations: only addresses that were sent to may answer, from any port", () => {
  const { sockets, toGuest, say } = setup();
  say(GUEST, "192.0.2.1:69");
  sockets[0]!.hears("192.0.2.9:69", "stranger");
  sockets[0]!.hears("192.0.2.1:3333", "other port");
  assertEquals(toGuest, ["192.0.2.1:3333 > 10.0.2.100:4000 other port"]);
});

Deno.test("associations: peers are bounded; the one not sent to for longest goes", () => {
  const { sockets, toGuest, say, loop, associations } = setup();
  const peer = (n: number) => `192.0.${n >> 8}.${n & 255}:9`;
  for (let n = 0; n < MAX_PEERS; n++) {
    loop.advance(1);
    say(GUEST, peer(n));
  }
  loop.advance(1);
  say(GUEST, peer(0));
  say(GUEST, "198.51.100.1:9");
  sockets[0]!.hears(peer(0), "kept");
  sockets[0]!.hears(peer(1), "gone");
  sockets[0]!.hears("198.51.100.1:9", "new");
  assertEquals(toGuest.map((line) => line.split(" ").at(-1)), ["kept", "new"]);
  assertEquals(associations.size, 1);
});

Deno.test("associations: what is blocked is dropped, told, and leaves nothing behind", () => {
  const { sockets, errors, state, say, associations } = setup();
  state.blocked.add("192.0.2.1:9");
  say(GUEST, "192.0.2.1:9");
  assertEquals([errors, sockets.length, associations.size], [["prohibited"], 0, 0]);
  say(GUEST, "192.0.2.1:10");
  say(GUEST, "192.0.2.1:9");
  assertEquals([errors.length, sockets[0]!.sent], [2, ["192.0.2.1:10 x"]]);
});

Deno.test("associations: without a descriptor the datagram is refused and the next one is tried", () => {
  const { sockets, errors, host, say, lines, associations } = setup();
  host.failures.set("*", new HostError("resources", "too many open files"));
  say(GUEST, "192.0.2.1:9");
  assertEquals([errors, associations.size], [["port"], 0]);
  assertEquals(lines, ["error 10.0.2.100:4000 192.0.2.1:9 l=0/0 r=0/[too many open files]"]);
  host.failures.clear();
  say(GUEST, "192.0.2.1:9");
  assertEquals(sockets[0]!.sent.length, 1);
});

Deno.test("associations: a host that has no way there is believed for a while", () => {
  const { sockets, errors, say, loop } = setup();
  say(GUEST, "192.0.2.1:9");
  sockets[0]!.handler.failed(new HostError("network-unreachable", "no way"), endpoint("192.0.2.1:9"));
  sockets[0]!.handler.failed(new HostError("other", "something"), null);
  say(GUEST, "192.0.2.1:9");
  say(GUEST, "192.0.2.2:9");
  assertEquals([errors, sockets[0]!.sent.length], [["network"], 2]);
  loop.advance(UDP_FAILURE_MS);
  say(GUEST, "192.0.2.1:9");
  assertEquals([errors.length, sockets[0]!.sent.length], [1, 3]);
});

const IDLE: readonly [string, number, (s: ReturnType<typeof setup>) => void][] = [
  ["questions to port 53", UNCROWDED_IDLE_MS, (s) => {
    s.say(GUEST, "192.0.2.1:53");
    s.say(GUEST, "192.0.2.2:53");
    s.sockets[0]!.hears("192.0.2.1:53", "a");
    s.sockets[0]!.hears("192.0.2.2:53", "a");
  }],
  ["one question and one answer", UNCROWDED_IDLE_MS, (s) => {
    s.say(GUEST, "192.0.2.1:123");
    s.sockets[0]!.hears("192.0.2.1:123", "a");
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
    s.loop.advance(time - SWEEP_MS);
    assertEquals([s.associations.size, s.sockets[0]!.closed], [1, false]);
    s.loop.advance(2 * SWEEP_MS);
    assertEquals([s.associations.size, s.sockets[0]!.closed], [0, true]);
    assertEquals(s.lines.at(-1), "done 10.0.2.100:4000 l=[idle timeout]/0 r=0/0");
    s.loop.advance(10 * SWEEP_MS);
    assertEquals(s.loop.timerCount, 0); // nothing to do: no timer
    s.say(GUEST, "192.0.2.1:53");
    assertEquals(s.sockets.length, 2);
  });
}

Deno.test("associations: traffic either way keeps one alive", () => {
  const { loop, say, sockets, associations } = setup();
  say(GUEST, "192.0.2.1:53");
  for (let i = 0; i < 5; i++) {
    loop.advance(UNCROWDED_IDLE_MS * 0.7);
    if (i % 2 === 0) sockets[0]!.hears("192.0.2.1:53", "a");
    else say(GUEST, "192.0.2.1:53");
  }
  assertEquals(associations.size, 1);
  loop.advance(UNCROWDED_IDLE_MS * 0.7);
  sockets[0]!.hears("192.0.2.9:53", "a stranger does not");
  loop.advance(UNCROWDED_IDLE_MS * 0.5);
  assertEquals(associations.size, 0);
});

Deno.test("associations: when there are too many, the one idle longest goes", () => {
  const { loop, say, sockets, associations } = setup();
  for (let i = 0; i < DEFAULT_LIMITS.udpAssociations; i++) {
    say(`10.0.2.100:${1 + i}`, "192.0.2.1:53");
    if (i === 0) loop.advance(1);
  }
  loop.advance(1);
  say("10.0.2.100:1", "192.0.2.1:53"); // in use again
  say("10.0.2.100:60000", "192.0.2.1:53");
  assertEquals(associations.size, DEFAULT_LIMITS.udpAssociations);
  assertEquals([sockets[0]!.closed, sockets[1]!.closed, sockets[2]!.closed], [false, true, false]);
});

Deno.test("associations: close ends all", () => {
  const { say, sockets, associations, idle, toGuest } = setup();
  say(GUEST, "192.0.2.1:53");
  say("10.0.2.100:4001", "192.0.2.1:53");
  idle.close();
  sockets[0]!.hears("192.0.2.1:53", "late");
  assertEquals([associations.size, sockets.every((socket) => socket.closed), toGuest], [0, true, []]);
});
