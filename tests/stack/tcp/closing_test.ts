import { assert, assertEquals, assertFields } from "../../assert.ts";
import { TIME_WAIT } from "../../../stack/tcp/numbers/constants.ts";
import type { TcpState } from "../../../stack/tcp/state.ts";
import { seqAdd } from "../../../stack/tcp/numbers/sequence.ts";
import { ACK, FIN, RST, SYN } from "../../../stack/wire/tcp.ts";
import { Peer, type PeerOptions, quiet } from "./bed/peer.ts";
import { Simulation, User } from "./bed/simulation.ts";

/** An event, and the state that follows. */
type Step = readonly ["we close" | "guest FIN" | "guest FIN with ACK" | "guest ACK" | "guest RST", TcpState];

const ORDERS: readonly { name: string; steps: readonly Step[]; timeWait: boolean }[] = [
  {
    name: "we close first",
    steps: [["we close", "FIN-WAIT-1"], ["guest ACK", "FIN-WAIT-2"], ["guest FIN", "CLOSED"]],
    timeWait: true,
  },
  {
    name: "we close first, and ACK and FIN arrive together",
    steps: [["we close", "FIN-WAIT-1"], ["guest FIN with ACK", "CLOSED"]],
    timeWait: true,
  },
  {
    name: "the guest closes first",
    steps: [["guest FIN", "CLOSE-WAIT"], ["we close", "LAST-ACK"], ["guest ACK", "CLOSED"]],
    timeWait: false,
  },
  {
    name: "both close at the same time",
    steps: [["we close", "FIN-WAIT-1"], ["guest FIN", "CLOSING"], ["guest ACK", "CLOSED"]],
    timeWait: true,
  },
  {
    name: "LAST-ACK, and the guest has vanished",
    steps: [["guest FIN", "CLOSE-WAIT"], ["we close", "LAST-ACK"], ["guest RST", "CLOSED"]],
    timeWait: false,
  },
  {
    name: "CLOSING, and the guest has vanished",
    steps: [["we close", "FIN-WAIT-1"], ["guest FIN", "CLOSING"], ["guest RST", "CLOSED"]],
    timeWait: false,
  },
];

for (const active of [false, true]) {
  for (const { name, steps, timeWait } of ORDERS) {
    Deno.test(`closing: ${name} (${active ? "we" : "the guest"} opened)`, () => {
      const peer = new Peer({ timestamps: true });
      const user = quiet();
      let connection;
      if (active) {
        connection = peer.calling(user);
        peer.syn({ flags: SYN | ACK });
      } else {
        connection = peer.opened(user);
      }
      let unseen = peer.seen;
      for (const [what, state] of steps) {
        assertEquals(user.failure, undefined);
        peer.take();
        switch (what) {
          case "we close":
            unseen = peer.seen;
            user.flow.shutdown();
            user.flow.shutdown();
            assertEquals(peer.flags(), ["FIN ACK"]);
            break;
          case "guest FIN":
            // without an acknowledgment of our FIN, unless it was acknowledged before
            peer.fin(state === "CLOSING" ? { acknowledgment: unseen } : {});
            assertEquals(peer.flags(), ["ACK"]);
            assert(user.ended);
            break;
          case "guest FIN with ACK":
            peer.fin();
            assertEquals(peer.flags(), ["ACK"]);
            break;
          case "guest ACK":
            peer.ack();
            assertEquals(peer.flags(), []);
            break;
          case "guest RST":
            peer.send({ flags: RST });
            assertEquals(peer.flags(), []);
        }
        assertEquals(connection.state, state);
      }
      assertEquals(user.failure, null);
      peer.assertGone();
      assertEquals(peer.host.tcp.timeWaiting, timeWait ? 1 : 0);
      peer.pass(TIME_WAIT);
      assertEquals(peer.host.tcp.timeWaiting, 0, "in TIME-WAIT");
      assertEquals(peer.host.timers.size, 0, "timers");
      assertEquals(peer.take(), [], "segments sent");
    });
  }
}

Deno.test("half-close: after the guest's FIN, data is still sent to it", () => {
  const peer = new Peer();
  const user = quiet();
  const connection = peer.opened(user);
  peer.data(10);
  peer.fin();
  assertEquals(connection.state, "CLOSE-WAIT", "state");
  assertFields(user, { received: 10, ended: true });
  peer.take();
  user.send(3000);
  assertEquals(peer.flags(), ["ACK 1460", "ACK 1460", "ACK 80"]);
  peer.ack();
  assertEquals(connection.state, "CLOSE-WAIT", "state");
  assertEquals(user.flow.bytesAcknowledged, 3000, "bytes acknowledged");
  user.closing = true;
  user.send(10);
  // the last data and FIN: in one segment or two
  assertEquals(connection.state, "LAST-ACK", "state");
  assertEquals(peer.take().some(({ flags }) => flags.includes("FIN")), true, "FIN sent");
  peer.ack();
  assertEquals({ state: connection.state, failure: user.failure }, { state: "CLOSED", failure: null });
});

Deno.test("half-close: after our FIN, data from the guest is still accepted and acknowledged", () => {
  const peer = new Peer();
  const user = quiet();
  const connection = peer.opened(user);
  user.flow.shutdown();
  peer.ack();
  assertEquals({ state: connection.state, flags: peer.flags() }, { state: "FIN-WAIT-2", flags: ["FIN ACK"] });
  for (let i = 0; i < 100; i++) peer.data(1460);
  peer.pass(20);
  assertEquals({ received: user.received, state: connection.state }, { received: 146_000, state: "FIN-WAIT-2" });
  assertEquals(peer.take().at(-1)!.acknowledgment, peer.nxt);
  peer.fin();
  assertFields(user, { ended: true, failure: null });
  assertEquals(connection.state, "CLOSED", "state");
});

Deno.test("FIN waits for the data in front of it, on both sides", () => {
  const peer = new Peer();
  const user = quiet();
  const connection = peer.opened(user);
  const start = peer.nxt;
  peer.send({ flags: FIN | ACK, sequence: seqAdd(start, 100) });
  assertEquals({ state: connection.state, ended: user.ended }, { state: "ESTABLISHED", ended: false });
  assertEquals(peer.one().acknowledgment, start);
  peer.data(100);
  assertEquals(connection.state, "CLOSE-WAIT", "state");
  assertFields(user, { ended: true, received: 100 });
  assertEquals(peer.one().acknowledgment, seqAdd(start, 101));

  const window = new Peer({ window: 3000 });
  const sender = new User(5000);
  const other = window.opened(sender);
  sender.send(0);
  assertEquals(window.flags().map((flags) => flags.split(" ")[0]).includes("FIN"), false);
  assertEquals(other.state, "ESTABLISHED");
  while (other.state === "ESTABLISHED") window.ack();
  assertEquals(other.state, "FIN-WAIT-1");
  assertEquals(window.take().at(-1)!.flags.startsWith("FIN"), true);
});

function inTimeWait(options: PeerOptions): Peer {
  const peer = new Peer(options);
  const user = quiet();
  peer.opened(user);
  user.flow.shutdown();
  peer.fin();
  assertEquals({ timeWaiting: peer.host.tcp.timeWaiting, failure: user.failure }, { timeWaiting: 1, failure: null });
  peer.take();
  return peer;
}

Deno.test("TIME-WAIT: a repeated FIN is acknowledged, with timestamps if they were agreed, and restarts the timer", () => {
  for (const timestamps of [false, true]) {
    const peer = inTimeWait({ timestamps });
    peer.pass(TIME_WAIT / 2);
    peer.send({ flags: FIN | ACK, sequence: seqAdd(peer.nxt, -1) });
    const answer = peer.one();
    assertFields(answer, { flags: "ACK", sequence: peer.seen, acknowledgment: peer.nxt });
    assertEquals(answer.timestamp !== null, timestamps);
    if (timestamps) assertEquals(answer.echo, peer.timestamp);
    peer.pass(TIME_WAIT - 1);
    assertEquals(peer.host.tcp.timeWaiting, 1);
    peer.pass(1);
    assertEquals(peer.host.tcp.timeWaiting, 0, "in TIME-WAIT");
    assertEquals(peer.host.timers.size, 0, "timers");
  }
});

Deno.test("TIME-WAIT: RST and pure acknowledgments change nothing", () => {
  const peer = inTimeWait({});
  peer.send({ flags: RST });
  peer.ack();
  peer.send({ flags: ACK, acknowledgment: 5 });
  assertEquals({ timeWaiting: peer.host.tcp.timeWaiting, flags: peer.flags() }, { timeWaiting: 1, flags: [] });
});

Deno.test("TIME-WAIT: a newer SYN opens a new connection, an old duplicate is answered with ACK", () => {
  const cases: [string, PeerOptions, (peer: Peer) => void, boolean][] = [
    ["a higher sequence number", {}, (peer) => peer.syn({ sequence: seqAdd(peer.nxt, 1) }), true],
    ["a lower sequence number", {}, (peer) => peer.syn({ sequence: seqAdd(peer.nxt, -1) }), false],
    ["the same SYN", {}, (peer) => peer.syn(), false],
    ["a higher timestamp", { timestamps: true }, (peer) => {
      peer.timestampBase += 10;
      peer.syn({ sequence: seqAdd(peer.nxt, -1000) });
    }, true],
    ["an equal timestamp and a higher sequence number", { timestamps: true }, (peer) => {
      peer.syn({ sequence: seqAdd(peer.nxt, 1) });
    }, true],
    ["a lower timestamp", { timestamps: true }, (peer) => {
      peer.timestampBase -= 10;
      peer.syn({ sequence: seqAdd(peer.nxt, 1000) });
    }, false],
  ];
  for (const [what, options, act, opens] of cases) {
    const peer = inTimeWait(options);
    peer.host.onRequest = null;
    const { nxt, seen } = peer;
    act(peer);
    assertFields(peer.host.tcp, { requests: opens ? 1 : 0, timeWaiting: opens ? 0 : 1 }, what);
    if (opens) {
      assertEquals(peer.flags(), [], what);
      assert(peer.host.requests[0].accept(quiet()) !== null);
      assertEquals(peer.flags(), ["SYN ACK"]);
    } else {
      const answer = peer.one();
      assertFields(answer, { flags: "ACK", sequence: seen, acknowledgment: nxt }, what);
    }
  }
});

/** Loses the first segment with FIN of an end, or the last acknowledgment. */
for (const what of ["the caller's FIN", "the called's FIN", "the last ACK", "half of all segments"] as const) {
  Deno.test(`closing between two layers, with ${what} lost`, () => {
    const simulation = new Simulation({ loss: what === "half of all segments" ? 0.5 : 0, seed: 4 });
    const { guest, host } = simulation;
    const [client, server] = [new User(1000), new User(3000)];
    let lost = 0;
    guest.filter = ({ flags }) => {
      const last = what === "the last ACK" && host.tcp.counters.segmentsIn > 0 && client.failure === null;
      return !(lost === 0 && ((what === "the caller's FIN" && (flags & FIN) !== 0) || last) && ++lost);
    };
    host.filter = ({ flags }) => {
      return !(lost === 0 && what === "the called's FIN" && (flags & FIN) !== 0 && ++lost);
    };
    simulation.connect(client, server);
    simulation.run(() => client.failure !== undefined && server.failure !== undefined);
    assertFields(client, { failure: null, received: 3000 });
    assertFields(server, { failure: null, received: 1000 });
    assert(client.ended && server.ended);
    simulation.pass(200_000);
    for (const { tcp, timers } of [guest, host]) {
      assertFields(tcp, { connections: 0, timeWaiting: 0 });
      assertEquals(tcp.memory.inUse, 0, "memory in use");
      assertEquals(timers.size, 0, "timers");
    }
  });
}

Deno.test("a FIN that the guest never acknowledges times out", () => {
  const peer = new Peer();
  const user = quiet();
  peer.opened(user);
  peer.fin();
  user.flow.shutdown();
  peer.pass(1_000_000);
  assertEquals(user.failure, "timeout");
  const log = peer.take();
  assert(log.filter(({ flags }) => flags.startsWith("FIN ACK")).length >= 8);
  assertEquals(log.at(-1)!.flags, "RST ACK");
  peer.assertGone();
});
