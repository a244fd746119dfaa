import { assert, assertEquals, assertFields } from "../../assert.ts";
import { seqAdd } from "../../../stack/tcp/numbers/sequence.ts";
import { ACK, RST, SYN } from "../../../stack/wire/tcp.ts";
import { Peer, quiet } from "./bed/peer.ts";
import { Simulation, type User } from "./bed/simulation.ts";

Deno.test("abort sends RST, does not call the user, and leaves nothing", () => {
  const peer = new Peer();
  const user = quiet();
  const connection = peer.opened(user);
  peer.data(5000);
  user.send(5000);
  peer.take();
  user.flow.abort();
  const reset = peer.one();
  assertFields(reset, { flags: "RST ACK", sequence: peer.seen, acknowledgment: peer.nxt });
  assertEquals({ failure: user.failure, state: connection.state }, { failure: undefined, state: "CLOSED" });
  user.flow.abort();
  user.flow.shutdown();
  user.flow.commit(10);
  user.flow.consume(10);
  assertEquals(user.flow.reserve(10), null, "reserved");
  assertEquals(user.flow.peek(), null, "peeked");
  assertEquals(peer.take(), [], "segments sent");
  peer.assertGone();
  assertEquals(peer.host.timers.size, 0);
});

Deno.test("abort on one side resets the other", () => {
  const simulation = new Simulation();
  const [client, server] = [quiet(), quiet()];
  simulation.connect(client, server);
  client.send(1000);
  simulation.pass(100);
  client.flow.abort();
  simulation.pass(100);
  assertEquals({ client: client.failure, server: server.failure }, { client: undefined, server: "reset" });
  assert(simulation.idle);
});

Deno.test("abort before the guest has answered sends nothing; its late answer is answered with RST", () => {
  const peer = new Peer();
  const user = quiet();
  peer.calling(user);
  assertEquals(peer.flags(), ["SYN"]);
  user.flow.abort();
  assertEquals({ flags: peer.flags(), resetsOut: peer.host.tcp.counters.resetsOut }, { flags: [], resetsOut: 0 });
  peer.syn({ flags: SYN | ACK });
  assertEquals(peer.flags(), ["RST"]);
  peer.assertGone();
});

for (const where of ["established", "readable", "writable", "closed"] as const) {
  Deno.test(`abort from within ${where}()`, () => {
    const peer = new Peer();
    const user = quiet();
    const calls: string[] = [];
    for (const name of ["established", "readable", "writable", "closed"] as const) {
      user[name] = () => {
        calls.push(name);
        if (name === where) user.flow.abort();
      };
    }
    peer.host.onRequest = (request) => {
      user.flow = request.accept(user)!;
      while (user.flow.reserve(65_536) !== null) user.flow.commit(65_536); // full: writable() is owed
    };
    peer.syn();
    peer.ack({ flush: false });
    peer.data(100, { flush: false });
    peer.host.tcp.flush();
    if (where === "writable") peer.ack();
    if (where === "closed") peer.send({ flags: RST });
    assertEquals(calls.at(-1), where);
    assertEquals(calls.filter((name) => name === where).length, 1);
    peer.assertGone();
    const count = calls.length;
    peer.data(100);
    peer.ack();
    peer.pass(100_000);
    assertEquals(calls.length, count, "called after the end");
  });
}

Deno.test("a handler set from within established() is called for the data of the same turn, and the first handler no more", () => {
  const peer = new Peer();
  const first = quiet(), second = quiet();
  const calls: string[] = [];
  peer.host.onRequest = (request) => {
    first.flow = request.accept(first)!;
    second.flow = first.flow;
  };
  first.established = () => {
    calls.push("first established");
    first.flow.handler = second;
  };
  for (const name of ["readable", "writable", "closed"] as const) first[name] = () => calls.push(`first ${name}`);
  second.established = () => calls.push("second established");
  second.readable = () => {
    calls.push("second readable");
    second.read();
  };
  peer.syn();
  peer.ack({ flush: false });
  peer.data(100, { flush: false });
  peer.host.tcp.flush();
  assertEquals(calls, ["first established", "second readable"]);
  assertEquals(second.received, 100, "data read by the second handler");
  peer.send({ flags: RST });
  assertEquals(calls, ["first established", "second readable"], "the first handler was called at the end");
  assertEquals(second.failure, "reset", "the end, reported to the second handler");
});

Deno.test("a handler set after the end is never called", () => {
  const peer = new Peer();
  const user = quiet(), late = quiet();
  const connection = peer.opened(user);
  user.readable = () => {};
  peer.data(100);
  user.flow.abort();
  user.flow.handler = late;
  connection.close();
  peer.host.tcp.close();
  assertEquals(late.failure, undefined, "the late handler was called at the end");
});

Deno.test("a handler may be replaced while the last data waits to be read", () => {
  const peer = new Peer();
  const user = quiet(), second = quiet();
  user.reading = second.reading = false;
  peer.opened(user);
  peer.data(100);
  peer.fin();
  user.flow.shutdown();
  peer.take();
  peer.ack();
  user.flow.handler = second;
  second.flow = user.flow;
  second.read();
  assertEquals(second.received, 100, "data read by the second handler");
  assertEquals(user.failure, undefined, "the first handler was called at the end");
  assertEquals(second.failure, null, "events of the second handler");
});

Deno.test("closing the layer resets all connections, calls every user once, and leaves nothing", () => {
  const peer = new Peer();
  const users: User[] = [];
  peer.host.onRequest = (request) => {
    const user = quiet();
    users.push(user);
    user.flow = request.accept(user)!;
  };
  for (const guestPort of [1, 2, 3]) {
    peer.syn({ guestPort });
    if (guestPort < 3) peer.ack({ guestPort });
  }
  peer.data(5000, { guestPort: 1 });
  users[1].flow.shutdown();
  peer.fin({ guestPort: 2, sequence: seqAdd(peer.iss, 1), acknowledgment: peer.take().at(-1)!.sequence + 1 | 0 });
  assertEquals(peer.host.tcp.timeWaiting, 1);
  peer.host.onRequest = null;
  let cancelled = 0;
  for (const guestPort of [4, 5]) peer.syn({ guestPort });
  // one user drops the other request meanwhile
  peer.host.requests[0].cancelled = () => cancelled++;
  peer.host.requests[1].cancelled = () => cancelled++;
  users[0].closed = (failure) => {
    users[0].failure = failure;
    peer.host.requests[1].drop();
  };
  peer.take();
  peer.host.tcp.close();
  assertEquals(users.map(({ failure }) => failure), ["aborted", null, "aborted"]);
  assert(peer.flags().every((flags) => flags === "RST ACK"));
  assert(cancelled === 1 || cancelled === 2);
  assertEquals(peer.host.tcp.timeWaiting, 0);
  peer.assertGone();
  peer.host.tcp.flush();
  peer.pass(200_000);
  assertEquals({ flags: peer.flags(), timers: peer.host.timers.size }, { flags: [], timers: 0 });
});

Deno.test("unread data when the connection ends: the end is reported when all is read", () => {
  const peer = new Peer();
  const user = quiet();
  user.reading = false;
  const connection = peer.opened(user);
  peer.data(3000);
  user.flow.shutdown();
  peer.fin();
  assertEquals(connection.state, "TIME-WAIT", "state");
  assertEquals(user.failure, undefined, "failure");
  assertEquals(user.flow.readable, 3000, "readable");
  assertFields(peer.host.tcp, { connections: 0, timeWaiting: 1 });
  peer.pass(100_000);
  user.read(2999);
  assertEquals({ failure: user.failure, readEnded: user.flow.readEnded }, { failure: undefined, readEnded: false });
  user.read();
  assertFields(user, { failure: null, ended: true, received: 3000 });
  assertEquals(connection.state, "CLOSED", "state");
  peer.assertGone();
});

Deno.test("unread data when the connection ends: the user aborts", () => {
  const peer = new Peer();
  const user = quiet();
  user.reading = false;
  peer.opened(user);
  peer.data(3000);
  peer.fin();
  user.flow.shutdown();
  peer.ack();
  peer.take();
  user.flow.abort();
  assertEquals(user.failure, undefined, "failure");
  assertEquals(peer.flags(), [], "segments sent");
  assertEquals(user.flow.readable, 0, "readable");
  peer.assertGone();
});

Deno.test("FIN with data and then RST in the same turn, when all our data is acknowledged", () => {
  const peer = new Peer();
  const user = quiet();
  const connection = peer.opened(user);
  user.flow.shutdown();
  const unseen = seqAdd(peer.seen, -1);
  peer.data(3000, { flush: false, acknowledgment: unseen });
  peer.fin({ flush: false, acknowledgment: unseen });
  peer.send({ flags: RST, flush: false });
  peer.host.tcp.flush();
  assertFields(user, { received: 3000, ended: true, failure: null });
  assertEquals(connection.state, "CLOSED", "state");
  peer.assertGone();
});

Deno.test("a timer that fires before the end of the turn does not overtake the user's events", () => {
  for (const length of [0, 200]) {
    const peer = new Peer();
    const user = quiet();
    peer.opened(user);
    user.flow.shutdown();
    peer.data(100);
    peer.simulation.now += 60_000; // the acknowledgment and the retransmission are due
    peer.data(length, { flush: false });
    peer.fin({ flush: false });
    peer.host.timers.run(peer.simulation.now);
    peer.host.tcp.flush();
    assertFields(user, { received: 100 + length, ended: true, failure: null });
    peer.assertGone();
  }
});

Deno.test("RST discards unread data", () => {
  const peer = new Peer();
  const user = quiet();
  user.reading = false;
  peer.opened(user);
  peer.data(3000);
  peer.send({ flags: RST });
  assertEquals(user.failure, "reset", "failure");
  assertEquals(user.flow.peek(), null, "peeked");
  assertEquals(user.flow.readEnded, false, "read ended");
  peer.assertGone();
});

Deno.test("memory that the user reads or writes stays valid after the end", () => {
  for (const end of ["abort", "reset", "close"] as const) {
    const peer = new Peer({ mtu: 65_535, mss: 65_495 });
    for (const size of [100, 60_000]) {
      peer.host.onRequest = null;
      const user = quiet();
      user.reading = false;
      const connection = peer.opened(user);
      peer.data(size);
      const seen = user.flow.peek()!;
      const room = user.flow.reserve(size)!;
      room.block.bytes.fill(0x11, room.offset, room.offset + room.length);
      const before = seen.block.bytes.slice(seen.offset, seen.offset + size);
      if (end === "abort") user.flow.abort();
      else if (end === "reset") peer.send({ flags: RST });
      else peer.host.tcp.close();
      assertEquals(connection.state, "CLOSED");
      peer.assertGone();
      // another connection must not get the same memory
      peer.nxt = peer.iss;
      const other = quiet();
      other.reading = false;
      peer.opened(other);
      peer.data(size);
      other.send(size);
      assert(other.flow.peek()!.block !== seen.block);
      assertEquals(seen.block.bytes.slice(seen.offset, seen.offset + size), before);
      assert(room.block.bytes.subarray(room.offset, room.offset + room.length).every((byte) => byte === 0x11));
      user.flow.commit(size);
      user.flow.consume(size);
      assertEquals(other.flow.readable, size);
      other.flow.abort();
      peer.assertGone();
      peer.nxt = peer.iss;
      peer.take();
    }
  }
});

Deno.test("FIN is in the segment of the last committed data, and nothing follows", () => {
  const peer = new Peer();
  const user = quiet();
  const connection = peer.opened(user);
  user.flow.reserve(100);
  user.flow.commit(100, true);
  const last = peer.one();
  assertFields(last, { flags: "FIN ACK PSH", length: 100 });
  assertEquals({ state: connection.state, reserved: user.flow.reserve(10) }, { state: "FIN-WAIT-1", reserved: null });
  user.flow.commit(10, true);
  user.flow.shutdown();
  assertEquals(peer.take(), []);
  peer.ack();
  assertEquals(connection.state, "FIN-WAIT-2", "state");
  assertEquals(user.flow.bytesAcknowledged, 100, "bytes acknowledged");
});

Deno.test("a full send buffer: writable() is called when there is room, not before, and never after shutdown", () => {
  const peer = new Peer();
  const user = quiet();
  peer.opened(user);
  let writable = 0;
  user.writable = () => writable++;
  let written = 0;
  const unseen = peer.seen;
  for (;;) {
    const room = user.flow.reserve(65_536);
    if (room === null) break;
    written += room.length;
    user.flow.commit(room.length);
  }
  assert(written >= 128 * 1024 && written < 200 * 1024, `${written}`);
  peer.data(10, { acknowledgment: unseen });
  assertEquals(writable, 0);
  peer.ack();
  assertEquals(writable, 1);
  peer.ack();
  assertEquals(writable, 1);
  user.flow.shutdown();
  assertEquals(user.flow.reserve(10), null);
  for (let i = 0; i < 100; i++) peer.ack();
  assertEquals(writable, 1, "calls of writable");
  assertEquals(user.flow.bytesAcknowledged, written, "bytes acknowledged");
});

Deno.test("no memory to send from before the handshake completes; then writable() is called", () => {
  for (const side of ["guest", "host"] as const) {
    const peer = new Peer();
    const user = quiet();
    const news: string[] = [];
    user.established = () => news.push("established");
    user.writable = () => news.push("writable");
    if (side === "host") peer.calling(user);
    else {
      peer.syn();
      user.flow = peer.host.requests[0].accept(user)!;
    }
    assertEquals(user.flow.reserve(10), null, "reserved");
    assertEquals(peer.host.tcp.memory.inUse, 0, "memory in use");
    assertEquals(news, [], "news");
    if (side === "host") peer.syn({ flags: SYN | ACK });
    else peer.ack();
    assertEquals(news, ["established", "writable"]);
    assertEquals(user.flow.reserve(10)!.length, 10);
  }
});

Deno.test("data committed after shutdown is not sent", () => {
  const peer = new Peer();
  const user = quiet();
  const connection = peer.opened(user);
  assert(user.flow.reserve(100) !== null);
  user.flow.shutdown();
  user.flow.commit(100);
  assertEquals({ flags: peer.flags(), state: connection.state }, { flags: ["FIN ACK"], state: "FIN-WAIT-1" });
  peer.ack();
  assertEquals(connection.state, "FIN-WAIT-2");
});

Deno.test("events are reported once a turn, and bytes are counted", () => {
  const peer = new Peer();
  const user = quiet();
  let readable = 0;
  user.readable = () => {
    readable++;
    user.read();
  };
  peer.opened(user);
  for (let i = 0; i < 5; i++) peer.data(100, { flush: false });
  peer.fin({ flush: false });
  peer.host.tcp.flush();
  assertEquals(readable, 1, "calls of readable");
  assertFields(user, { received: 500, ended: true });
  assertEquals(user.flow.bytesReceived, 500, "bytes received");
  user.send(700);
  peer.ack();
  assertEquals(user.flow.bytesAcknowledged, 700);
});
