import { assert, assertEquals, assertFields } from "../../assert.ts";
import { seqAdd } from "../../../stack/tcp/numbers/sequence.ts";
import { ACK, FIN, SYN } from "../../../stack/wire/tcp.ts";
import { Peer, quiet } from "./bed/peer.ts";
import type { User } from "./bed/simulation.ts";

/** Opens connections from these ports, all of which are accepted. */
function open(peer: Peer, ports: readonly number[], complete: boolean): User[] {
  const users: User[] = [];
  peer.host.onRequest = (request) => {
    const user = quiet();
    users.push(user);
    const flow = request.accept(user);
    if (flow !== null) user.flow = flow;
  };
  for (const guestPort of ports) {
    peer.syn({ guestPort });
    if (complete) peer.ack({ guestPort });
  }
  return users;
}

Deno.test("requests over the limit are dropped silently, and accepted later", () => {
  const peer = new Peer({ limits: { requests: 2 } });
  for (const guestPort of [1, 2, 3]) peer.syn({ guestPort });
  assertEquals(peer.host.tcp.requests, 2, "requests counted");
  assertEquals(peer.host.requests.length, 2, "requests announced");
  assertEquals(peer.flags(), [], "segments sent");
  assertEquals(peer.host.tcp.counters.overflows, 1);
  peer.host.requests[0].drop();
  peer.syn({ guestPort: 3 });
  assertEquals(peer.host.requests.map(({ guest }) => guest.port), [1, 2, 3]);
});

Deno.test("half-open connections over the limit: the oldest is evicted", () => {
  const peer = new Peer({ limits: { halfOpen: 2 } });
  const users = open(peer, [1, 2, 3], false);
  assertEquals(peer.flags(), ["SYN ACK", "SYN ACK", "SYN ACK", "RST ACK"]);
  assertEquals(users.map(({ failure }) => failure), ["timeout", undefined, undefined]);
  assertFields(peer.host.tcp, { connections: 2, halfOpenConnections: 2 });
  assertEquals(peer.host.tcp.counters.overflows, 1);
  // established ones do not count
  const others = new Peer({ limits: { halfOpen: 2 } });
  open(others, [1, 2, 3, 4], true);
  assertFields(others.host.tcp, { connections: 4, halfOpenConnections: 0 });
});

Deno.test("connections over the limit are reset, unless a half-open one can be evicted", () => {
  const peer = new Peer({ limits: { connections: 2 } });
  const users = open(peer, [1, 2], true);
  peer.take();
  peer.syn({ guestPort: 3 });
  const reset = peer.one();
  assertFields(reset, { flags: "RST ACK", acknowledgment: seqAdd(peer.iss, 1), destinationPort: 3 });
  assertFields(peer.host.tcp, { connections: 2, requests: 0 });
  const address = peer.host.address;
  const guest = { address: peer.simulation.guest.address, port: 9 };
  assertEquals(peer.host.tcp.connect({ address, port: 0 }, guest, quiet()), null);
  users[0].flow.abort();
  const caller = quiet();
  assert(peer.host.tcp.connect({ address, port: 0 }, guest, caller) !== null);
  peer.take();
  open(peer, [4], false);
  // the SYN had not been answered: no RST
  assertEquals({ failure: caller.failure, flags: peer.flags() }, { failure: "timeout", flags: ["SYN ACK"] });
  assertEquals(peer.host.tcp.connections, 2);
});

Deno.test("TIME-WAIT over the limit: the oldest is evicted", () => {
  const peer = new Peer({ limits: { timeWait: 2 } });
  const users = open(peer, [1, 2, 3], true);
  for (const [i, user] of users.entries()) {
    user.flow.shutdown();
    const { sequence } = peer.take().at(-1)!;
    const acknowledgment = seqAdd(sequence, 1);
    peer.send({ flags: FIN | ACK, guestPort: i + 1, acknowledgment });
    assertEquals(user.failure, null);
  }
  assertFields(peer.host.tcp, { timeWaiting: 2, connections: 0 });
  peer.take();
  for (const [guestPort, expected] of [[1, ["RST"]], [2, ["ACK"]], [3, ["ACK"]]] as const) {
    peer.send({ flags: FIN | ACK, guestPort });
    assertEquals(peer.flags(), [...expected]);
  }
  peer.pass(60_000);
  peer.assertGone();
  assertEquals(peer.host.tcp.timeWaiting, 0, "in TIME-WAIT");
  assertEquals(peer.host.timers.size, 0, "timers");
});

Deno.test("challenge acknowledgments are limited to 100 a second over all connections", () => {
  const peer = new Peer();
  peer.opened(quiet());
  for (let i = 0; i < 300; i++) peer.send({ flags: SYN, sequence: seqAdd(peer.nxt, 10) });
  assertEquals(peer.take().length, 100);
  peer.pass(1000);
  for (let i = 0; i < 300; i++) peer.send({ flags: SYN, sequence: seqAdd(peer.nxt, 10) });
  assertEquals(peer.take().length, 100);
});
