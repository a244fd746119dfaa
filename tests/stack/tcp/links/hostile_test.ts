import { assert, assertEquals, assertFields } from "../../../assert.ts";
import { FRAME_SIZE } from "../../../../stack/base/device.ts";
import { DEFAULT_TCP_LIMITS } from "../../../../stack/tcp/numbers/constants.ts";
import type { Connection } from "../../../../stack/tcp/connection.ts";
import type { TcpRequest } from "../../../../stack/tcp/flow.ts";
import { seqAdd } from "../../../../stack/tcp/numbers/sequence.ts";
import { ACK } from "../../../../stack/wire/tcp.ts";
import { type Fields, Peer } from "../bed/peer.ts";
import { seeded, User } from "../bed/simulation.ts";

const LIMITS = {
  connections: 40,
  halfOpen: 10,
  requests: 10,
  timeWait: 10,
  bufferedBytes: 4 * 1024 * 1024,
};
const PORTS = 60;

/** A user that makes every permitted call at random, and checks that nothing forbidden happens. */
class Fickle extends User {
  private over = false;

  constructor(private readonly random: () => number) {
    super();
  }

  private act(): void {
    if (this.over) throw new Error("called after the end");
    this.play();
  }

  /** Uses the flow at random, also after the end, when it must do no harm. */
  play(): void {
    const { flow, random } = this;
    if (flow === undefined) return;
    switch (random() % 12) {
      case 0:
        if (random() % 4 === 0) flow.shutdown();
        break;
      case 1:
        if (random() % 20 === 0) {
          flow.abort();
          this.over = true;
        }
        break;
      case 2:
      case 3: {
        const room = flow.reserve(1 + random() % 70_000);
        if (room !== null && random() % 4 > 0) flow.commit(random() % (room.length + 1));
        break;
      }
      case 4:
        flow.peek();
        break;
      default: {
        const chunk = flow.peek();
        if (chunk !== null) flow.consume(random() % (chunk.length + 1));
      }
    }
  }

  override established(): void {
    this.act();
  }

  override readable(): void {
    this.act();
  }

  override writable(): void {
    this.act();
  }

  override closed(): void {
    this.act();
    this.over = true;
  }
}

/** A 32-bit number, mostly near a significant one. */
function near(random: () => number, value: number): number {
  switch (random() % 6) {
    case 0:
      return random() | 0;
    case 1:
      return seqAdd(value, random() % 200_000 - 100_000);
    case 2:
      return seqAdd(value, random() % 7 - 3);
    default:
      return value;
  }
}

/** Control bits, mostly plausible ones. */
const FLAGS = [ACK, ACK, ACK, ACK, ACK, ACK, 0x18, 0x18, 0x11, 0x02, 0x02, 0x12, 0x04, 0x14, 0x01, 0x00];

function options(random: () => number): number[] {
  switch (random() % 5) {
    case 0:
      return [2, 4, random() & 0xff, random() & 0xff, 3, 3, random() % 20, 4, 2, 1];
    case 1:
      return Array.from({ length: random() % 20 }, () => random() % (random() % 2 ? 12 : 256));
    default:
      return [];
  }
}

for (const version of [4, 6] as const) {
  Deno.test(`half a million random segments over IPv${version}: nothing is thrown, limits hold, nothing is left`, () => {
    const random = seeded(version);
    const peer = new Peer({ version, limits: LIMITS, seed: version, segmentation: true });
    const { host, simulation } = peer;
    const { tcp } = host;
    host.filter = () => false;
    const users: Fickle[] = [];
    const waiting: TcpRequest[] = [];
    const attach = (user: Fickle) => {
      users.push(user);
    };
    host.onRequest = (request) => {
      const verdict = random() % 8;
      if (verdict === 0) request.refuse();
      else if (verdict === 1) request.unreachable("host");
      else if (verdict === 2) waiting.push(request);
      else {
        const user = new Fickle(random);
        const flow = request.accept(user);
        if (flow === null) return;
        user.flow = flow;
        attach(user);
      }
    };
    let connections: Connection[] = [];
    let most = 0;
    for (let i = 0; i < 500_000; i++) {
      if (i % 64 === 0) connections = [...tcp.flows()];
      const connection = connections.length > 0 && random() % 10 > 0
        ? connections[random() % connections.length]
        : null;
      const flags = random() % 20 === 0 ? random() & 0xff : FLAGS[random() % FLAGS.length];
      const fields: Fields = { flags, options: options(random), window: random() % 4 ? 65_535 : random() & 0xffff };
      fields.length = random() % 3 === 0 ? random() % (random() % 50 === 0 ? 65_000 : 1500) : 0;
      if (connection === null) {
        fields.guestPort = 1 + random() % PORTS;
        fields.sequence = random() | 0;
        fields.acknowledgment = random() | 0;
        if (random() % 8 > 0) fields.flags = 0x02;
      } else {
        const { sender, receiver, guest, local } = connection;
        fields.guestPort = guest.port;
        fields.hostPort = local.port;
        fields.sequence = near(random, receiver.nxt);
        fields.acknowledgment = near(random, random() % 2 ? sender.max : sender.una);
        if (connection.segments.timestamps && random() % 8 > 0) {
          fields.timestamp = near(random, receiver.timestampRecent);
          fields.echo = near(random, tcp.timestamp());
        } else if (random() % 4 === 0) {
          fields.sack = [[near(random, sender.una), near(random, sender.max)]];
        }
        if (random() % 200 === 0) {
          connection.networkError(
            near(random, sender.una),
            random() % 2 ? "too-big" : "unreachable",
            random() & 0xffff,
          );
        }
      }
      const bytes = peer.build({ ...fields, options: fields.options!.slice(0, 12) });
      if (random() % 16 === 0) bytes[(version === 4 ? 20 : 40) + random() % 20] = random();
      host.receive(bytes);
      if (random() % 4 === 0) tcp.flush();
      if (random() % 8 === 0 && users.length > 0) users[Math.max(0, users.length - 1 - random() % 100)].play();
      if (random() % 16 === 0) {
        tcp.flush();
        simulation.now += random() % 400;
        host.timers.run(simulation.now);
        tcp.flush();
      }
      if (random() % 500 === 0) waiting.shift()?.drop();
      if (random() % 1000 === 0) {
        const user = new Fickle(random);
        const guest = { address: simulation.guest.address, port: 1 + random() % PORTS };
        const flow = tcp.connect({ address: host.address, port: 0 }, guest, user);
        if (flow !== null) {
          user.flow = flow;
          attach(user);
        }
      }
      assert(tcp.connections <= LIMITS.connections && tcp.halfOpenConnections <= LIMITS.halfOpen);
      assert(tcp.requests <= LIMITS.requests && tcp.timeWaiting <= LIMITS.timeWait);
      most = Math.max(most, tcp.memory.inUse);
    }
    // twice the soft limit, and what each connection may hold beyond it
    assert(most <= 2 * LIMITS.bufferedBytes + LIMITS.connections * 4 * FRAME_SIZE, `${most} bytes`);
    assert(tcp.counters.accepted > 300 && tcp.counters.connected > 10, JSON.stringify(tcp.counters));
    tcp.close();
    tcp.flush();
    for (const user of users) user.flow.abort();
    assertFields(tcp, { connections: 0, requests: 0, halfOpenConnections: 0, timeWaiting: 0 });
    simulation.now += 200_000;
    host.timers.run(simulation.now);
    assertEquals(host.timers.size, 0);
    assertEquals(tcp.memory.inUse, 0, "memory in use");
    assertEquals(host.frames.taken, 0, "frames taken");
  });
}

Deno.test("a flood of SYNs stays within the default limits", () => {
  const peer = new Peer();
  const { host } = peer;
  host.filter = () => false;
  host.onRequest = (request) => {
    const user = new User();
    user.closing = false;
    if (request.guest.port % 2 === 0) request.accept(user);
  };
  for (let i = 0; i < 20_000; i++) peer.syn({ guestPort: 1 + i, hostPort: 1 + i % 7 });
  const { tcp } = host;
  assertFields(tcp, { halfOpenConnections: DEFAULT_TCP_LIMITS.halfOpen, requests: DEFAULT_TCP_LIMITS.requests });
  assertEquals(tcp.memory.inUse, 0);
});
