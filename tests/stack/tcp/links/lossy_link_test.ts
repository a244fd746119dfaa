import { assert, assertEquals } from "../../../assert.ts";
import { Simulation, type SimulationOptions, User } from "../bed/simulation.ts";

const MEGABYTE = 1024 * 1024;

/** Both sides send this many bytes and close; nothing may be left afterwards. */
function transfer(options: SimulationOptions, bytes: number): Simulation {
  const simulation = new Simulation(options);
  const client = new User(bytes), server = new User(bytes);
  simulation.connect(client, server);
  simulation.run(() => client.failure !== undefined && server.failure !== undefined, 24 * 3600_000);
  assertEquals(client.failure, null);
  assertEquals(server.failure, null);
  assert(client.ended && server.ended);
  assertEquals({ client: client.received, server: server.received }, { client: bytes, server: bytes });
  assert(simulation.idle);
  for (const { tcp, frames } of [simulation.guest, simulation.host]) {
    assertEquals(tcp.memory.inUse, 0);
    assertEquals(frames.taken, 0);
  }
  simulation.pass(600_000);
  for (const { tcp, timers } of [simulation.guest, simulation.host]) {
    assertEquals(tcp.timeWaiting, 0);
    assertEquals(timers.size, 0);
  }
  return simulation;
}

let seed = 1;
for (const loss of [0, 0.01, 0.05, 0.2]) {
  for (const reorder of [0, 0.05]) {
    for (const duplicate of [0, 0.05]) {
      for (const delay of [0.05, 20]) {
        const name = `10 MB each way: loss ${loss}, reordering ${reorder}, duplication ${duplicate}, delay ${delay} ms`;
        const options = { loss, reorder, duplicate, delay, jitter: delay / 2, seed: seed++ };
        Deno.test(name, () => void transfer(options, 10 * MEGABYTE));
      }
    }
  }
}

Deno.test("10 MB each way in large segments, IPv6", () => {
  const simulation = transfer({ version: 6, segmentation: true, seed: 7 }, 10 * MEGABYTE);
  assert(simulation.guest.sent < 1000, `${simulation.guest.sent} segments`);
});

Deno.test("10 MB each way in large segments with loss", () => {
  transfer({ segmentation: true, loss: 0.02, reorder: 0.02, duplicate: 0.02, seed: 8 }, 10 * MEGABYTE);
});

Deno.test("10 MB each way with MTU 65,535", () => void transfer({ mtu: 65_535, loss: 0.01, seed: 9 }, 10 * MEGABYTE));

Deno.test("a clean link loses nothing and needs no retransmission", () => {
  const simulation = transfer({ seed: 10 }, MEGABYTE);
  assertEquals(simulation.guest.tcp.counters.retransmissions, 0);
  assertEquals(simulation.host.tcp.counters.retransmissions, 0);
});
