import { assert, assertEquals, assertFields } from "../../assert.ts";
import { KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_PROBES } from "../../../stack/tcp/numbers/constants.ts";
import { seqAdd, seqDiff } from "../../../stack/tcp/numbers/sequence.ts";
import { ACK } from "../../../stack/wire/tcp.ts";
import { Peer, quiet, type Sent } from "./bed/peer.ts";
import { Simulation, User } from "./bed/simulation.ts";

/** The number of data bytes in these segments. */
function bytes(log: readonly Sent[]): number {
  return log.reduce((sum, { length }) => sum + length, 0);
}

Deno.test("a closed window is probed with backoff until it opens", () => {
  const peer = new Peer({ window: 1000 });
  const user = quiet();
  const connection = peer.opened(user);
  user.send(5000);
  assertEquals(peer.flags(), ["ACK 1000"]);
  peer.window = 0;
  peer.ack();
  assertEquals(peer.flags(), []);
  const start = peer.simulation.now;
  const { seen } = peer;
  const times: number[] = [];
  for (let i = 0; i < 60; i++) {
    peer.pass(1000);
    for (const { at, sequence, length } of peer.take()) {
      times.push(at - start);
      assertEquals({ sequence, length }, { sequence: seen, length: 1 });
      peer.ack({ acknowledgment: seen }); // not taken
    }
  }
  assertEquals(times.length >= 6 && times.length <= 9, true, `${times}`);
  for (let i = 2; i < times.length; i++) assert(times[i] - times[i - 1] > 1.4 * (times[i - 1] - times[i - 2]));
  assertEquals({ failure: user.failure, window: connection.sender.window }, { failure: undefined, window: 0 });
  peer.seen = seen;
  peer.window = 65_535;
  peer.ack();
  assertEquals(bytes(peer.take()), 4000);
});

Deno.test("the guest may accept the byte in a probe", () => {
  const peer = new Peer({ window: 1000 });
  const user = quiet();
  peer.opened(user);
  user.send(2000);
  peer.window = 0;
  peer.ack();
  peer.take();
  for (let i = 0; i < 20; i++) {
    peer.pass(60_000);
    if (peer.take().length > 0) peer.ack();
  }
  assertEquals(peer.connection.bytesAcknowledged, 1020, "bytes acknowledged");
  assertEquals(user.failure, undefined, "failure");
});

Deno.test("answers to probes without SACK are not taken for a loss", () => {
  const peer = new Peer({ window: 10_000 });
  const user = quiet();
  const connection = peer.opened(user);
  user.send(30_000);
  peer.window = 0;
  peer.ack();
  const congestion = connection.sender.congestion.window;
  const { seen } = peer;
  peer.take();
  for (let i = 0; i < 10; i++) {
    peer.pass(20_000);
    for (const { length } of peer.take()) {
      assertEquals(length, 1);
      peer.ack({ acknowledgment: seen });
    }
  }
  assertEquals(connection.sender.congestion.window, congestion);
});

Deno.test("FIN waits behind a closed window, then serves as the probe", () => {
  const peer = new Peer({ window: 100 });
  const user = new User(100);
  const connection = peer.opened(user);
  user.send(0);
  assertEquals(peer.flags(), ["ACK 100"]);
  peer.window = 0;
  peer.ack();
  assertEquals({ flags: peer.flags(), state: connection.state }, { flags: [], state: "ESTABLISHED" });
  peer.pass(1000);
  assertEquals(peer.flags()[0], "FIN ACK");
  assertEquals(connection.state, "FIN-WAIT-1");
  peer.ack();
  assertEquals(connection.state, "FIN-WAIT-2");
});

Deno.test("a connection whose probes are not answered times out", () => {
  const peer = new Peer({ window: 100 });
  const user = quiet();
  peer.opened(user);
  user.send(200);
  peer.window = 0;
  peer.ack();
  peer.pass(1_000_000);
  assertEquals({ failure: user.failure, flags: peer.take().at(-1)!.flags }, { failure: "timeout", flags: "RST ACK" });
  assert(peer.simulation.now > 925_000);
  peer.assertGone();
});

Deno.test("when the guest shrinks its window, the data beyond it is kept and sent later", () => {
  const peer = new Peer({ window: 20_000, sack: true });
  const user = quiet();
  const connection = peer.opened(user);
  user.send(30_000);
  assertEquals(bytes(peer.take()), 14_600); // 10 segments
  const first = seqAdd(peer.seen, -14_600);
  peer.seen = seqAdd(first, 1460);
  peer.ack({ window: 1000 });
  peer.pass(5000);
  for (const { sequence, length } of peer.take()) {
    assert(seqDiff(seqAdd(sequence, length), peer.seen) <= 1000, "beyond the smaller window");
  }
  peer.ack({ window: 0 });
  peer.pass(5000);
  peer.window = 65_535;
  for (let i = 0; i < 100 && connection.bytesAcknowledged < 30_000; i++) {
    peer.ack();
    peer.pass(100);
  }
  assertEquals(connection.bytesAcknowledged, 30_000, "bytes acknowledged");
  assertEquals(user.failure, undefined, "failure");
});

Deno.test("a silly window is filled with small segments only as a last resort", () => {
  const peer = new Peer({ window: 14_600 });
  const user = quiet();
  peer.opened(user);
  user.send(50_000);
  assertEquals(peer.take().length, 10);
  peer.ack({ window: 100 });
  peer.pass(10);
  assertEquals(peer.take(), []);
  peer.pass(1000);
  assertEquals(peer.take()[0].length, 100); // as a probe
});

Deno.test("our window closes while the user does not read, and reopens when it does", () => {
  const simulation = new Simulation({ delay: 1 });
  const client = new User(1_000_000), server = new User(0);
  server.reading = false;
  simulation.connect(client, server);
  simulation.pass(5000);
  const { flow } = server;
  assert(flow.readable >= 256 * 1024 && flow.readable <= 257 * 1024, `${flow.readable}`);
  assertEquals(simulation.host.tcp.memory.inUse < 400 * 1024, true);
  simulation.pass(100_000);
  assertEquals({ client: client.failure, server: server.failure }, { client: undefined, server: undefined });
  server.reading = true;
  server.read();
  simulation.run(() => server.ended && client.failure !== undefined, 10_000);
  assertEquals(server.received, 1_000_000);
});

Deno.test("probing recovers from a lost window update", () => {
  const simulation = new Simulation({ delay: 1 });
  const client = new User(1_000_000), server = new User(0);
  server.reading = false;
  simulation.connect(client, server);
  simulation.pass(5000);
  let lost = 0;
  simulation.host.filter = () => {
    lost++;
    return false;
  };
  server.reading = true;
  server.read();
  assert(lost > 0, "a window update must be sent immediately");
  simulation.host.filter = null;
  simulation.run(() => server.ended && client.failure !== undefined, 120_000);
  assertEquals(server.received, 1_000_000);
});

Deno.test("an acknowledgment counts although its sequence number is before a probe that we accepted", () => {
  const peer = new Peer({ window: 100 });
  const user = quiet();
  const connection = peer.opened(user);
  user.send(200);
  peer.window = 0;
  peer.ack();
  peer.pass(1000); // our probe
  assert(peer.take().length > 1);
  peer.data(1); // the guest's probe, before it has ours
  assertEquals(connection.bytesAcknowledged, 101, "bytes acknowledged");
  assertEquals(user.received, 1, "received");
  peer.pass(1000);
  const unseen = peer.seen;
  peer.ack({ sequence: seqAdd(peer.nxt, -1), acknowledgment: unseen, window: 1000 });
  peer.seen = seqAdd(unseen, 1000);
  assertEquals(connection.bytesAcknowledged, 102, "bytes acknowledged");
  assertEquals(connection.sender.window, 1000, "window");
});

Deno.test("two slow readers that probe each other's windows", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const simulation = new Simulation({ seed, without: ["window-scale"], version: 6, mtu: 1280 });
    const users = [new User(500_000), new User(500_000)] as const;
    for (const user of users) user.reading = false;
    simulation.connect(...users);
    for (let i = 0; i < 100_000 && users.some(({ failure }) => failure === undefined); i++) {
      simulation.step();
      if (i % 5 > 0) continue;
      for (const user of users) if (user.flow && simulation.random() % 4 === 0) user.read(simulation.random() % 30_000);
    }
    assertEquals(users.map(({ failure, received }) => [failure, received]), [[null, 500_000], [null, 500_000]]);
  }
});

Deno.test("acknowledgments are delayed by 10 ms, carried by data, or sent at once for every second segment", () => {
  const peer = new Peer({ timestamps: true });
  const user = quiet();
  peer.opened(user);
  peer.data(100);
  peer.pass(9);
  assertEquals(peer.flags(), []);
  peer.pass(1);
  assertEquals(peer.one().acknowledgment, peer.nxt);
  peer.pass(1000);
  assertEquals(peer.flags(), []);

  peer.data(100);
  user.send(5);
  assertEquals(peer.one().acknowledgment, peer.nxt);
  peer.ack();
  peer.pass(1000);
  assertEquals(peer.flags(), []);

  for (let i = 0; i < 10; i++) peer.data(1448);
  assertEquals(peer.take().length, 5);

  for (let i = 0; i < 10; i++) peer.data(1448, { flush: false });
  peer.host.tcp.flush();
  assertEquals(peer.take().length, 1); // one a turn
});

Deno.test("keepalive: probes start after 15 minutes, an answer stops them, silence ends the connection", () => {
  const peer = new Peer();
  const user = quiet();
  peer.opened(user);
  const start = peer.simulation.now;
  peer.pass(KEEPALIVE_IDLE - 1);
  assertEquals(peer.flags(), []);
  peer.pass(1);
  const probe = peer.one();
  assertFields(probe, { flags: "ACK", sequence: seqAdd(peer.seen, -1), length: 0 });
  peer.ack();
  peer.pass(KEEPALIVE_IDLE - 1);
  assertEquals(peer.flags(), []);
  peer.pass(KEEPALIVE_PROBES * KEEPALIVE_INTERVAL);
  assertEquals(peer.flags().length, KEEPALIVE_PROBES, "probes sent");
  assertEquals(user.failure, undefined, "failure");
  peer.pass(KEEPALIVE_INTERVAL);
  assertEquals({ flags: peer.one().flags, failure: user.failure }, { flags: "RST ACK", failure: "timeout" });
  assert(peer.simulation.now - start > 2 * KEEPALIVE_IDLE + 30 * 60_000, "given up within half an hour of probes");
  peer.assertGone();
  assertEquals(peer.host.timers.size, 0);
});

Deno.test("two layers keep an idle connection for a day", () => {
  const simulation = new Simulation();
  const [client, server] = [quiet(), quiet()];
  simulation.connect(client, server);
  simulation.pass(24 * 3600_000);
  assertEquals({ client: client.failure, server: server.failure }, { client: undefined, server: undefined });
  assert(simulation.guest.sent + simulation.host.sent < 500);
});

Deno.test("data is retransmitted after 200 ms, then with backoff, and given up after 15 minutes", () => {
  const peer = new Peer();
  const user = quiet();
  peer.opened(user);
  user.send(100);
  const start = peer.simulation.now;
  peer.pass(1_000_000);
  const log = peer.take();
  const times = log.filter(({ length }) => length === 100).map(({ at }) => at - start);
  assertEquals(times.slice(0, 6), [0, 200, 600, 1400, 3000, 6200]);
  assertEquals({ flags: log.at(-1)!.flags, failure: user.failure }, { flags: "RST ACK", failure: "timeout" });
  assert(log.at(-1)!.at - start >= 925_000);
  assertEquals(peer.host.tcp.counters.timeouts, 1);
  peer.assertGone();
  assertEquals(peer.host.timers.size, 0);
});

Deno.test("a guest that was paused for ten minutes continues its transfer", () => {
  const peer = new Peer();
  const user = quiet();
  peer.opened(user);
  user.send(3000);
  peer.pass(10 * 60_000);
  assertEquals(user.failure, undefined, "given up");
  peer.take();
  peer.pass(60_000);
  assert(peer.take().some(({ length }) => length > 0), "nothing is retransmitted within a minute");
  peer.ack();
  user.send(500);
  assertEquals(peer.one().length, 500);
  peer.ack();
  peer.pass(5_000);
  assertEquals({ failure: user.failure, flags: peer.flags() }, { failure: undefined, flags: [] });
});

Deno.test("the acknowledgment in a reordered segment updates the window", () => {
  const peer = new Peer({ window: 10_000 });
  const user = quiet();
  const { sender } = peer.opened(user);
  user.send(30_000);
  const { sequence } = peer.take()[0];
  peer.send({ flags: ACK, sequence: seqAdd(peer.nxt, 100), length: 100, acknowledgment: sequence });
  // the segment before it, sent again later: it acknowledges more, and the edge of the window stays where it is
  peer.data(100, { acknowledgment: seqAdd(sequence, 1460), window: 10_000 - 1460 });
  assertEquals(sender.una, seqAdd(sequence, 1460));
  assertEquals(seqDiff(seqAdd(sender.una, sender.window), sequence), 10_000);
});

Deno.test("the guest's window is scaled by its own shift", () => {
  const peer = new Peer({ shift: 14, window: 1 });
  const user = quiet();
  const connection = peer.opened(user);
  assertEquals(connection.sender.window, 1 << 14);
  peer.ack({ window: 65_535 });
  assertEquals(connection.sender.window, 65_535 << 14);
  peer.send({ flags: ACK, acknowledgment: peer.seen, sequence: seqAdd(peer.nxt, -1), window: 0 }); // out of window
  assertEquals(connection.sender.window, 65_535 << 14);
});
