import { StackScheduler, type Wakeable } from "../../../forward/timers/stack_scheduler.ts";
import { SimulatedLoop } from "../../../scripts/fuzz/loop.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { allocatePlain, type Device, FramePool } from "../../../stack/base/device.ts";
import { Stack } from "../../../stack/stack.ts";
import { assert, assertEquals } from "../../assert.ts";

/** Deadlines, and a promise for when the last one was met. */
class Sleeper implements Wakeable {
  nextDeadline = Infinity;
  onEarlier: ((deadline: number) => void) | null = null;
  readonly woken: number[] = [];
  flushes = 0;
  readonly rested = Promise.withResolvers<void>();

  constructor(private readonly deadlines: number[]) {
    this.nextDeadline = deadlines[0] ?? Infinity;
  }

  advance(): void {
    this.woken.push(performance.now());
    while (this.deadlines.length > 0 && this.deadlines[0] <= performance.now()) this.deadlines.shift();
    this.nextDeadline = this.deadlines[0] ?? Infinity;
  }

  flush(): void {
    this.flushes++;
    if (this.nextDeadline === Infinity) this.rested.resolve();
  }
}

Deno.test("StackScheduler: wakes the stack at each of its deadlines, not before", async () => {
  const scheduler = new StackScheduler();
  const start = scheduler.now();
  const sleeper = new Sleeper([start - 5, start + 15, start + 30]);
  scheduler.drive(sleeper);
  await sleeper.rested.promise;
  assert(performance.now() >= start + 30);
  assert(sleeper.woken.length <= 5, `woken ${sleeper.woken.length} times`);
  assertEquals(sleeper.flushes, sleeper.woken.length);
});

Deno.test("StackScheduler: an earlier deadline is met, a later one costs nothing", async () => {
  const scheduler = new StackScheduler();
  const start = scheduler.now();
  const sleeper = new Sleeper([start + 60_000]);
  scheduler.drive(sleeper);
  sleeper.nextDeadline = start + 10;
  sleeper.onEarlier?.(start + 10);
  sleeper.nextDeadline = start + 15;
  while (sleeper.woken.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert(performance.now() < start + 30_000);
  scheduler.stop(); // else the test's timers leak
});

Deno.test("StackScheduler: stopped, it wakes nobody", async () => {
  const scheduler = new StackScheduler();
  const sleeper = new Sleeper([scheduler.now() + 5]);
  scheduler.drive(sleeper);
  scheduler.stop();
  assertEquals(sleeper.onEarlier, null, "it still tells the scheduler");
  await new Promise<void>((resolve) => scheduler.after(20, resolve));
  assertEquals(sleeper.woken, []);
});

Deno.test("StackScheduler: what is deferred runs after what waits", async () => {
  const scheduler = new StackScheduler();
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    scheduler.defer(() => {
      order.push("deferred");
      resolve();
    });
    queueMicrotask(() => order.push("waiting"));
    order.push("now");
  });
  assertEquals(order, ["now", "waiting", "deferred"]);
});

Deno.test("a datagram that was put off, to a guest that does not answer, is asked for three times by the stack's own timer", () => {
  const scheduler = new SimulatedLoop();
  const asked: number[] = [];
  const device: Device = {
    medium: "ethernet",
    mtu: 1500,
    checksumOffload: true,
    tcpSegmentation4: true,
    tcpSegmentation6: true,
    udpSegmentation: true,
    transmit: () => {
      asked.push(scheduler.time);
      return true;
    },
  };
  const stack = new Stack({
    device,
    frames: new FramePool(allocatePlain),
    allocate: allocatePlain,
    clock: () => scheduler.now(),
    random: () => 7,
    defer: (run) => scheduler.defer(run),
    handlers: { tcpRequest: () => {}, udp: () => {} },
  });
  scheduler.drive(stack);
  const from = { address: stack.addresses.gateway4, port: 1000 };
  const to = { address: IpAddress.parse("10.0.2.100"), port: 2000 };
  stack.udp.sendBytes(from, to, new Uint8Array(10), 0, 10);
  const start = scheduler.time;
  while (scheduler.next < Infinity) scheduler.step();
  assertEquals(asked.map((time) => time - start), [0, 1000, 2000]);
  assertEquals(stack.usage.neighbourPackets.current, 0, "packets that still wait");
});
