import { assert, assertEquals, assertFields, assertNotEquals } from "../../assert.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { seqAdd, seqDiff } from "../../../stack/tcp/numbers/sequence.ts";
import { ACK, RST, SYN } from "../../../stack/wire/tcp.ts";
import { GUEST_PORT, HOST_PORT, Peer, quiet } from "./bed/peer.ts";
import { Simulation, User } from "./bed/simulation.ts";

Deno.test("the guest opens: SYN, verdict, SYN-ACK, ACK", () => {
  const peer = new Peer({ shift: 9, sack: true, timestamps: true });
  peer.syn();
  assertEquals(peer.flags(), [], "segments sent");
  assertFields(peer.host.tcp, { requests: 1, connections: 0 });
  const user = quiet();
  const [request] = peer.host.requests;
  assertEquals({ guest: request.guest.port, local: request.local.port }, { guest: GUEST_PORT, local: HOST_PORT });
  user.flow = request.accept(user)!;
  const { connection } = peer;
  assertEquals(connection.state, "SYN-RECEIVED", "state");
  assertFields(peer.host.tcp, { requests: 0, halfOpenConnections: 1 });
  const answer = peer.one();
  assertEquals(answer.flags, "SYN ACK");
  assertFields(answer, { acknowledgment: seqAdd(peer.iss, 1), maximumSegmentSize: 1460 });
  assertFields(answer, { windowShift: 7, sackPermitted: true });
  assertFields(answer, { echo: peer.timestamp, window: 65_535 });
  assert(!user.isEstablished);
  peer.ack();
  assertEquals(connection.state, "ESTABLISHED", "state");
  assertEquals(user.isEstablished, true, "established");
  assertEquals(peer.host.tcp.halfOpenConnections, 0, "half-open connections");
  assertEquals(peer.host.tcp.counters.accepted, 1);
  assertEquals(peer.flags(), []);
});

Deno.test("options that the guest does not offer are not used in the answer", () => {
  for (const version of [4, 6] as const) {
    const peer = new Peer({ mss: 0, version });
    peer.host.onRequest = (request) => void request.accept(quiet());
    peer.syn();
    const answer = peer.one();
    assertFields(answer, { windowShift: -1, sackPermitted: false, timestamp: null });
    assertFields(answer, { maximumSegmentSize: version === 4 ? 1460 : 1440, headerLength: 24 });
    assertEquals(peer.connection.sender.mss, version === 4 ? 536 : 1220);
  }
});

Deno.test("we open: SYN, SYN-ACK, ACK at once", () => {
  const peer = new Peer({ shift: 5, sack: true, timestamps: true });
  const user = quiet();
  const connection = peer.calling(user);
  assertEquals(connection.state, "SYN-SENT");
  const syn = peer.one();
  assertFields(syn, { flags: "SYN", maximumSegmentSize: 1460, windowShift: 7, sackPermitted: true });
  assert(syn.timestamp !== null && syn.echo === 0);
  peer.syn({ flags: SYN | ACK });
  assertEquals(connection.state, "ESTABLISHED", "state");
  assertEquals(user.isEstablished, true, "established");
  assertEquals(peer.flags(), ["ACK"]);
  assertEquals(peer.host.tcp.counters.connected, 1);
  assertEquals(connection.sender.mss, 1448);
});

Deno.test("data and FIN written before the handshake completes are sent after it", () => {
  const peer = new Peer();
  const user = new User(100);
  const connection = peer.calling(user);
  user.send(0);
  assertEquals(peer.flags(), ["SYN"]);
  peer.syn({ flags: SYN | ACK });
  assertEquals(peer.flags(), ["FIN ACK 100"]);
  assertEquals(connection.state, "FIN-WAIT-1");
});

Deno.test("simultaneous open", () => {
  for (const lostAnswer of [false, true]) {
    const peer = new Peer({ timestamps: true, sack: true });
    const user = quiet();
    const connection = peer.calling(user);
    const { sequence } = peer.one();
    peer.syn();
    assertEquals(connection.state, "SYN-RECEIVED");
    const answer = peer.one();
    assertFields(answer, { flags: "SYN ACK", sequence, acknowledgment: seqAdd(peer.iss, 1) });
    if (lostAnswer) peer.ack(); // the guest's SYN-ACK is lost, but it has ours
    else peer.send({ flags: SYN | ACK, sequence: peer.iss, options: peer.synOptions() });
    assertEquals(connection.state, "ESTABLISHED", "state");
    assertEquals(user.isEstablished, true, "established");
    assertEquals(peer.flags(), lostAnswer ? [] : ["ACK"]);
    peer.data(10);
    assertEquals(user.received, 10);
  }
});

Deno.test("simultaneous open of two layers", () => {
  const simulation = new Simulation({ delay: 5 });
  const [a, b] = [new User(1000), new User(2000)];
  const ends = [{ address: simulation.guest.address, port: 5 }, { address: simulation.host.address, port: 6 }] as const;
  a.attach(simulation.guest.tcp.connect(ends[0], ends[1], a));
  b.attach(simulation.host.tcp.connect(ends[1], ends[0], b));
  simulation.run(() => a.failure !== undefined && b.failure !== undefined);
  assertFields(a, { failure: null, received: 2000 });
  assertFields(b, { failure: null, received: 1000 });
  assert(simulation.idle);
});

Deno.test("a request can be refused, answered as unreachable, or dropped", () => {
  const peer = new Peer();
  peer.syn();
  peer.host.requests.pop()!.refuse();
  const reset = peer.one();
  assertFields(reset, { flags: "RST ACK", sequence: 0, acknowledgment: seqAdd(peer.iss, 1) });

  peer.syn();
  peer.host.requests.pop()!.unreachable("host");
  assertEquals({ flags: peer.flags(), unreachables: peer.host.unreachables }, { flags: [], unreachables: ["host"] });

  peer.syn();
  const request = peer.host.requests.pop()!;
  request.drop();
  assertEquals(peer.flags(), []);
  peer.assertGone();
  // a second verdict does nothing
  request.refuse();
  request.drop();
  request.unreachable("port");
  assertEquals(request.accept(quiet()), null);
  assertEquals({ flags: peer.flags(), unreachables: peer.host.unreachables }, { flags: [], unreachables: ["host"] });
  peer.assertGone();
});

Deno.test("while a request waits, a repeated SYN is ignored and RST cancels the request", () => {
  const peer = new Peer();
  peer.syn();
  peer.pass(1000);
  peer.syn();
  peer.send({ flags: ACK });
  assertEquals(peer.flags(), [], "segments sent");
  assertEquals(peer.host.requests.length, 1, "requests announced");
  assertEquals(peer.host.tcp.requests, 1, "requests counted");
  const [request] = peer.host.requests;
  let cancelled = 0;
  request.cancelled = () => cancelled++;
  peer.send({ flags: RST, sequence: seqAdd(peer.iss, 500) });
  assertEquals({ cancelled, requests: peer.host.tcp.requests }, { cancelled: 0, requests: 1 });
  peer.send({ flags: RST, sequence: seqAdd(peer.iss, 1) });
  assertEquals({ cancelled, requests: peer.host.tcp.requests }, { cancelled: 1, requests: 0 });
  assertEquals(request.accept(quiet()), null);
  request.refuse();
  assertEquals(peer.flags(), []);
  peer.assertGone();
});

Deno.test("SYN-SENT: RST that acknowledges our SYN refuses, any other RST is ignored; a wrong ACK is answered with RST", () => {
  const peer = new Peer();
  const user = quiet();
  const connection = peer.calling(user);
  peer.take();
  peer.send({ flags: RST, sequence: 0 });
  peer.send({ flags: RST | ACK, acknowledgment: seqAdd(peer.seen, 1) });
  assertEquals({ state: connection.state, flags: peer.flags() }, { state: "SYN-SENT", flags: [] });
  peer.send({ flags: ACK, acknowledgment: seqAdd(peer.seen, 7) });
  const reset = peer.one();
  assertFields(reset, { flags: "RST", sequence: seqAdd(peer.seen, 7) });
  peer.send({ flags: ACK }); // acceptable, but without information
  assertEquals({ state: connection.state, flags: peer.flags() }, { state: "SYN-SENT", flags: [] });
  peer.send({ flags: RST | ACK });
  assertEquals(user.failure, "reset", "failure");
  assertEquals(connection.state, "CLOSED", "state");
  assertEquals(peer.flags(), [], "segments sent");
  peer.assertGone();
});

Deno.test("SYN-SENT: an ICMP unreachable ends the dial if it quotes our SYN", () => {
  for (const [offset, failure] of [[1, undefined], [-1, undefined], [0, "unreachable"]] as const) {
    const peer = new Peer();
    const user = quiet();
    const connection = peer.calling(user);
    const syn = peer.one();
    connection.networkError(seqAdd(syn.sequence, offset), "unreachable", 0);
    peer.host.tcp.flush();
    assertEquals(user.failure, failure);
  }
});

Deno.test("an established connection survives an ICMP unreachable", () => {
  const peer = new Peer();
  const user = quiet();
  const connection = peer.opened(user);
  user.send(10);
  const { sequence } = peer.one();
  connection.networkError(sequence, "unreachable", 0);
  peer.host.tcp.flush();
  assertEquals({ state: connection.state, failure: user.failure }, { state: "ESTABLISHED", failure: undefined });
});

Deno.test("SYN-RECEIVED: RST ends the connection, a wrong ACK is answered with RST, a repeated SYN with SYN-ACK", () => {
  const peer = new Peer();
  const user = quiet();
  peer.host.onRequest = (request) => void request.accept(user);
  peer.syn();
  const { connection } = peer;
  const { sequence } = peer.one();
  peer.pass(500);
  peer.syn();
  const again = peer.one();
  assertFields(again, { flags: "SYN ACK", sequence });
  peer.send({ flags: ACK, acknowledgment: sequence });
  assertEquals({ flags: peer.one().flags, state: connection.state }, { flags: "RST", state: "SYN-RECEIVED" });
  peer.send({ flags: SYN, sequence: seqAdd(peer.iss, 1_000_000) }); // a guest that has lost its state
  const answer = peer.one();
  assertFields(answer, { flags: "ACK", sequence: seqAdd(sequence, 1) });
  peer.send({ flags: RST });
  assertEquals(connection.state, "CLOSED", "state");
  assertFields(user, { failure: "reset", isEstablished: false });
  peer.assertGone();
});

Deno.test("data, or data with FIN, completes the handshake when the third ACK is lost", () => {
  const peer = new Peer();
  const user = quiet();
  peer.host.onRequest = (request) => void (user.flow = request.accept(user)!);
  peer.syn();
  const { connection } = peer;
  peer.data(100, { flush: false });
  peer.fin();
  assertEquals(connection.state, "CLOSE-WAIT", "state");
  assertFields(user, { isEstablished: true, received: 100, ended: true });
});

Deno.test("SYN and SYN-ACK are retransmitted with backoff and given up after a minute", () => {
  for (const passive of [false, true]) {
    const peer = new Peer();
    const user = quiet();
    if (passive) {
      peer.host.onRequest = (request) => void request.accept(user);
      peer.syn();
    } else {
      peer.calling(user);
    }
    peer.pass(300_000);
    const log = peer.take();
    const syns = log.filter(({ flags }) => flags.startsWith("SYN"));
    assertEquals(syns.map(({ at }) => at - 1000), [0, 1000, 3000, 7000, 15_000, 31_000]);
    assertEquals(new Set(syns.map(({ sequence }) => sequence)).size, 1);
    assertEquals(user.failure, "timeout", "failure");
    assertEquals(peer.host.tcp.counters.timeouts, 1, "timeouts");
    peer.assertGone();
    assertEquals(peer.host.timers.size, 0);
  }
});

Deno.test("a retransmitted SYN yields no round-trip measurement", () => {
  const peer = new Peer();
  const user = quiet();
  const connection = peer.calling(user);
  peer.pass(3500);
  assertEquals(peer.flags(), ["SYN", "SYN", "SYN"]);
  peer.syn({ flags: SYN | ACK });
  assertEquals(connection.sender.rtt.smoothed, -1);
});

for (const [what, lost] of [["SYN", 0], ["SYN-ACK", 1], ["third ACK", 2]] as const) {
  Deno.test(`a lost ${what}, between two layers`, () => {
    const simulation = new Simulation();
    const [client, server] = [new User(1000), new User(1000)];
    let count = 0;
    for (const end of [simulation.guest, simulation.host]) end.filter = () => count++ !== lost;
    simulation.connect(client, server);
    simulation.run(() => client.failure !== undefined && server.failure !== undefined);
    assertFields(client, { failure: null, received: 1000 });
    assertFields(server, { failure: null, received: 1000 });
    assert(simulation.now < 5000);
  });
}

Deno.test("initial sequence numbers depend on all four parts of the flow, and grow with time", () => {
  const { tcp } = new Simulation().host;
  const at = (address: string, port: number) => ({ address: IpAddress.parse(address), port });
  const base = tcp.initialSequence(at("192.0.2.1", 80), at("10.0.2.100", 1000), 0);
  const others = [
    tcp.initialSequence(at("192.0.2.2", 80), at("10.0.2.100", 1000), 0),
    tcp.initialSequence(at("192.0.2.1", 81), at("10.0.2.100", 1000), 0),
    tcp.initialSequence(at("192.0.2.1", 80), at("10.0.2.101", 1000), 0),
    tcp.initialSequence(at("192.0.2.1", 80), at("10.0.2.100", 1001), 0),
    tcp.initialSequence(at("10.0.2.100", 1000), at("192.0.2.1", 80), 0),
    new Simulation({ seed: 2 }).host.tcp.initialSequence(at("192.0.2.1", 80), at("10.0.2.100", 1000), 0),
  ];
  assertEquals(new Set([base, ...others]).size, 7);
  for (const [now, ticks] of [[1, 250], [1000, 250_000], [3.996, 999]] as const) {
    const later = tcp.initialSequence(at("192.0.2.1", 80), at("10.0.2.100", 1000), now);
    assertEquals(seqDiff(later, base), ticks);
  }
});

Deno.test("an ephemeral port is chosen, or none when all are taken", () => {
  const peer = new Peer();
  const { tcp, address } = peer.host;
  const guest = { address: peer.simulation.guest.address, port: GUEST_PORT };
  const ports = new Set<number>();
  for (let i = 0; i < 20; i++) ports.add(tcp.connect({ address, port: 0 }, guest, quiet())!.local.port);
  assertEquals(ports.size, 20);
  assert([...ports].every((port) => port >= 49_152 && port <= 65_535));
  const [taken] = ports;
  assertEquals(tcp.connect({ address, port: taken }, guest, quiet()), null);
  assertNotEquals(tcp.connect({ address, port: taken }, { ...guest, port: 1 }, quiet()), null);
});
