import { StackLoop, type Wakeable } from "../../forward/stack_loop.ts";
import { assert, assertEquals } from "../assert.ts";

/** Deadlines, and a promise for when the last one was met. */
class Sleeper implements Wakeable {
  nextDeadline = Infinity;
  readonly woken: number[] = [];
  flushes = 0;
  readonly rested = Promise.withResolvers<void>();

  constructor(private readonly deadlines: number[]) {
    this.nextDeadline = deadlines[0] ?? Infinity;
  }

  advance(): void {
    this.woken.push(performance.now());
    while (this.deadlines.length > 0 && this.deadlines[0]! <= performance.now()) this.deadlines.shift();
    this.nextDeadline = this.deadlines[0] ?? Infinity;
  }

  flush(): void {
    this.flushes++;
    if (this.nextDeadline === Infinity) this.rested.resolve();
  }
}

Deno.test("StackLoop: wakes the stack at each of its deadlines, not before", async () => {
  const loop = new StackLoop();
  const start = loop.now();
  const sleeper = new Sleeper([start - 5, start + 15, start + 30]);
  loop.drive(sleeper);
  await sleeper.rested.promise;
  assert(performance.now() >= start + 30);
  assert(sleeper.woken.length <= 5, `woken ${sleeper.woken.length} times`);
  assertEquals(sleeper.flushes, sleeper.woken.length);
});

Deno.test("StackLoop: an earlier deadline is met, a later one costs nothing", async () => {
  const loop = new StackLoop();
  const start = loop.now();
  const sleeper = new Sleeper([start + 60_000]);
  loop.drive(sleeper);
  sleeper.nextDeadline = start + 10;
  loop.settle();
  sleeper.nextDeadline = start + 15;
  loop.settle();
  while (sleeper.woken.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert(performance.now() < start + 30_000);
  loop.stop(); // else the test's timers leak
});

Deno.test("StackLoop: stopped, it wakes nobody", async () => {
  const loop = new StackLoop();
  const sleeper = new Sleeper([loop.now() + 5]);
  loop.drive(sleeper);
  loop.stop();
  loop.settle();
  await new Promise<void>((resolve) => loop.after(20, resolve));
  assertEquals(sleeper.woken, []);
});

Deno.test("StackLoop: what is deferred runs after what waits", async () => {
  const loop = new StackLoop();
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    loop.defer(() => {
      order.push("deferred");
      resolve();
    });
    queueMicrotask(() => order.push("waiting"));
    order.push("now");
  });
  assertEquals(order, ["now", "waiting", "deferred"]);
});
