import { assert, assertEquals, assertFields } from "../../../assert.ts";
import { LEAST_MSS } from "../../../../stack/tcp/numbers/constants.ts";
import { seqAdd, seqDiff } from "../../../../stack/tcp/numbers/sequence.ts";
import { SYN } from "../../../../stack/wire/tcp.ts";
import { Peer, quiet } from "../bed/peer.ts";
import { Simulation, type SimulationOptions, User } from "../bed/simulation.ts";

Deno.test("the segment size is the guest's MSS, within bounds, less the options", () => {
  const cases: [number, boolean, number][] = [
    [1460, false, 1460],
    [1460, true, 1448],
    [1000, true, 988],
    [65_495, false, 1460], // our own MTU
    [0, false, 536],
    [1, false, LEAST_MSS],
    [1, true, LEAST_MSS - 12],
    [40, false, LEAST_MSS],
  ];
  for (const [mss, timestamps, expected] of cases) {
    const peer = new Peer({ mss, timestamps });
    const user = quiet();
    peer.opened(user);
    user.send(5 * expected - 7);
    assertEquals(peer.take().map(({ length }) => length), [...Array(4).fill(expected), expected - 7], `${mss}`);
  }
});

for (const version of [4, 6] as const) {
  Deno.test(`large segments: each but the last is a multiple of the MSS, the last has PSH and FIN; IPv${version}`, () => {
    const peer = new Peer({ version, segmentation: true, timestamps: true, shift: 10 });
    const user = new User(0);
    user.closing = false;
    const connection = peer.opened(user);
    const { mss } = connection.sender;
    assertEquals(mss, version === 4 ? 1448 : 1428);
    for (let i = 0; i < 60; i++) { // the congestion window opens
      user.send(30_000);
      peer.ack();
    }
    while (connection.sender.buffer.length > 0) peer.ack();
    peer.take();
    user.closing = true;
    user.send(100_000);
    while (connection.state !== "FIN-WAIT-2") peer.ack();
    const log = peer.take().filter(({ length, flags }) => length > 0 || flags.includes("FIN"));
    assertEquals(log.reduce((sum, { length }) => sum + length, 0), 100_000);
    const last = log.pop()!;
    for (const { length, headerLength } of log) {
      assertEquals(length % mss, 0);
      assert(length > mss && length + headerLength + (version === 4 ? 20 : 40) <= 65_535);
    }
    assert(log.length >= 1 && log.length < 8);
    assertEquals(last.flags, "FIN ACK PSH");
    assert(log.every(({ flags }) => !flags.includes("FIN")));
  });
}

Deno.test("packet too big: the data in flight is retransmitted in smaller segments, without segmentation offload", () => {
  const peer = new Peer({ mtu: 9000, mss: 8960, sack: true });
  const user = quiet();
  const connection = peer.opened(user);
  user.send(40_000);
  const log = peer.take();
  assertEquals(log[0].length, 8960);
  const una = log[0].sequence;
  connection.networkError(seqAdd(una, -1), "too-big", 1400); // not on its way: forged
  assertEquals(connection.sender.mss, 8960);
  connection.networkError(seqAdd(una, 8960), "too-big", 1400);
  peer.host.tcp.flush();
  assertEquals({ mss: connection.sender.mss, maxSegment: connection.segments.maxSegment }, {
    mss: 1360,
    maxSegment: 1360,
  });
  peer.seen = una;
  for (let i = 0; i < 100 && connection.bytesAcknowledged < 40_000; i++) {
    for (const { sequence, length } of peer.take()) {
      assert(length <= 1360, `a segment of ${length} bytes`);
      const end = seqAdd(sequence, length);
      if (seqDiff(sequence, peer.seen) <= 0 && seqDiff(end, peer.seen) > 0) peer.seen = end;
    }
    peer.ack();
    peer.pass(10);
  }
  assertEquals(connection.bytesAcknowledged, 40_000);
  // no smaller than what every network takes, and never larger again
  user.send(10_000);
  connection.networkError(connection.sender.una, "too-big", 68);
  assertEquals(connection.sender.mss, 536);
  connection.networkError(connection.sender.una, "too-big", 9000);
  assertEquals(connection.sender.mss, 536);
});

Deno.test("SACK blocks in the guest's data segments reveal a loss", () => {
  const peer = new Peer({ sack: true, timestamps: true });
  const user = quiet();
  peer.opened(user);
  user.send(10 * 1448);
  const [first] = peer.take();
  const start = first.sequence;
  peer.seen = start;
  for (let i = 2; i <= 4; i++) {
    peer.data(1448, { acknowledgment: start, sack: [[seqAdd(start, 1448), seqAdd(start, 1448 * i)]] });
  }
  assert(peer.take().some(({ sequence, length }) => sequence === start && length === 1448));
});

Deno.test("impossible SACK blocks are ignored", () => {
  const peer = new Peer({ sack: true });
  const user = quiet();
  const connection = peer.opened(user);
  user.send(5000);
  const start = peer.take()[0].sequence;
  for (const [left, right] of [[-100, 50], [-100, -50], [100, 100], [200, 100], [100, 6000], [2 ** 31, 2 ** 31 + 5]]) {
    peer.ack({ acknowledgment: start, sack: [[seqAdd(start, left), seqAdd(start, right)]] });
  }
  assertEquals(connection.sender.scoreboard.count, 0);
  peer.ack({ acknowledgment: start, sack: [[seqAdd(start, 100), seqAdd(start, 200)]] });
  assertEquals(connection.sender.scoreboard.bytes, 100);
});

/** Sends 300 kB each way over a bad link and expects all to arrive. */
function exchange(simulation: Simulation, connect: (client: User, server: User) => void): void {
  const [client, server] = [new User(300_000), new User(300_000)];
  connect(client, server);
  simulation.run(() => client.failure !== undefined && server.failure !== undefined);
  assertFields(client, { failure: null, received: 300_000 });
  assertFields(server, { failure: null, received: 300_000 });
  assert(simulation.idle);
}

for (const target of [2 ** 31 - 50_000, 2 ** 32 - 50_000, 2 ** 32 - 1, 2 ** 32 - 2]) {
  for (const side of ["guest", "host"] as const) {
    Deno.test(`sequence numbers of the ${side} start at ${target} and wrap`, () => {
      const simulation = new Simulation({ loss: 0.02, reorder: 0.05, duplicate: 0.02, seed: 5 });
      const { guest, host } = simulation;
      const ends = [{ address: guest.address, port: 5 }, { address: host.address, port: 80 }] as const;
      const now = simulation.now;
      const isn = side === "guest"
        ? guest.tcp.initialSequence(ends[0], ends[1], now)
        : host.tcp.initialSequence(ends[1], ends[0], now);
      simulation.now += ((target - isn) >>> 0) / 250;
      let seen = 0;
      const end = simulation[side];
      const connect = (client: User, server: User) => {
        simulation.host.onRequest = (request) => server.attach(request.accept(server));
        end.filter = ({ flags, sequence }) => {
          if (flags & SYN) seen = sequence >>> 0;
          return true;
        };
        client.attach(guest.tcp.connect(ends[0], ends[1], client));
      };
      if (side === "guest") {
        exchange(simulation, connect);
        assertEquals(seen, target);
      } else { // the SYN takes a while: the clock of the answer is a little later
        simulation.now -= 0.052;
        exchange(simulation, connect);
        assert(((seen - target) >>> 0) < 1000 || ((target - seen) >>> 0) < 1000, `${seen}`);
      }
    });
  }
}

const LACKS: NonNullable<SimulationOptions["without"]>[] = [
  ["sack"],
  ["timestamps"],
  ["window-scale"],
  ["sack", "timestamps"],
  ["sack", "timestamps", "window-scale"],
];
for (const without of LACKS) {
  for (const loss of [0, 0.02, 0.2]) {
    Deno.test(`300 kB each way without ${without.join(", ")}, loss ${loss}`, () => {
      const simulation = new Simulation({ without, loss, reorder: 0.05, duplicate: 0.05, seed: 6 });
      exchange(simulation, (client, server) => simulation.connect(client, server));
    });
  }
}

Deno.test("a response carries the acknowledgment of the request", () => {
  const peer = new Peer();
  const user = quiet();
  user.readable = () => {
    user.read();
    user.send(20);
  };
  peer.opened(user);
  peer.data(30);
  const answer = peer.one();
  assertFields(answer, { flags: "ACK PSH", length: 20, acknowledgment: peer.nxt });
});
