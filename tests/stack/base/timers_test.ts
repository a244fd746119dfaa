import { assert, assertEquals, assertFields } from "../../assert.ts";
import type { Timer } from "../../../stack/base/layers.ts";
import { TimerQueue } from "../../../stack/base/timers.ts";
import { seeded } from "../tcp/bed/simulation.ts";

class Probe implements Timer {
  deadline = Infinity;
  slot = -1;
  readonly fired: number[] = [];
  constructor(readonly name: number, private readonly then: (now: number) => void = () => {}) {}
  fire(now: number): void {
    this.fired.push(now);
    this.then(now);
  }
}

Deno.test("timers fire in the order of their deadlines, and not before", () => {
  const queue = new TimerQueue();
  const order: number[] = [];
  for (const deadline of [50, 10, 40, 20, 30, 20]) {
    queue.schedule(new Probe(deadline, () => order.push(deadline)), deadline);
  }
  assertFields(queue, { size: 6, nextDeadline: 10 });
  queue.run(9.9);
  assertEquals(order, []);
  queue.run(20);
  assertEquals(order, [10, 20, 20]);
  assertFields(queue, { size: 3, nextDeadline: 30 });
  queue.run(1000);
  assertEquals(order, [10, 20, 20, 30, 40, 50]);
  assertFields(queue, { size: 0, nextDeadline: Infinity });
});

Deno.test("a fired timer may be scheduled again, and does not fire twice in one run", () => {
  const queue = new TimerQueue();
  const probe = new Probe(0, (now) => {
    assertFields(probe, { slot: -1, deadline: Infinity });
    queue.schedule(probe, now);
  });
  queue.schedule(probe, 1);
  queue.run(5);
  assertEquals(probe.fired, [5]);
  queue.run(6);
  assertEquals(probe.fired, [5, 6]);
});

Deno.test("a deadline can be moved earlier or later, and cancelled twice", () => {
  const queue = new TimerQueue();
  const [a, b, c] = [new Probe(0), new Probe(1), new Probe(2)];
  queue.schedule(a, 10);
  queue.schedule(b, 20);
  queue.schedule(c, 30);
  queue.schedule(c, 5);
  assertEquals(queue.nextDeadline, 5);
  queue.schedule(c, 40);
  assertEquals(queue.nextDeadline, 10);
  queue.cancel(a);
  queue.cancel(a);
  assertFields(queue, { size: 2, nextDeadline: 20 });
  assertEquals(a.deadline, Infinity, "deadline");
  queue.run(100);
  assertEquals({ a: a.fired, b: b.fired, c: c.fired }, { a: [], b: [100], c: [100] });
});

Deno.test("the owner is notified only when the earliest deadline moves forward", () => {
  const queue = new TimerQueue();
  const told: number[] = [];
  queue.onEarlier = (deadline) => told.push(deadline);
  const take = () => told.splice(0);
  const [a, b] = [new Probe(0), new Probe(1)];
  queue.schedule(a, 30);
  assertEquals(take(), [30], "the first timer");
  queue.schedule(b, 40);
  assertEquals(take(), [], "a later one");
  queue.schedule(b, 20);
  assertEquals(take(), [20], "a deadline that moves before the first");
  queue.schedule(b, 25);
  assertEquals(take(), [], "the first moves back");
  queue.schedule(b, 10);
  assertEquals(take(), [10], "the first moves forward");
  queue.cancel(b);
  assertEquals(take(), [], "the first is cancelled");
  queue.schedule(b, 35);
  assertEquals(take(), [], "a deadline later than the present first");
  queue.run(50);
  queue.schedule(a, 60);
  assertEquals(take(), [60], "the first of an empty queue");
});

Deno.test("random schedules, cancellations and runs, against a list", () => {
  const random = seeded(3);
  const queue = new TimerQueue();
  const probes = Array.from({ length: 200 }, (_, name) => new Probe(name));
  const deadlines = new Map<Probe, number>();
  let now = 0;
  let alarm = Infinity; // the owner's, which knows only what it is notified of
  queue.onEarlier = (deadline) => alarm = Math.min(alarm, deadline);
  for (let i = 0; i < 20_000; i++) {
    const probe = probes[random() % probes.length];
    switch (random() % 4) {
      case 0:
        queue.cancel(probe);
        deadlines.delete(probe);
        break;
      case 1: {
        now += random() % 30;
        const due = [...deadlines].filter(([, deadline]) => deadline <= now);
        for (const each of probes) each.fired.length = 0;
        if (due.length > 0) assert(alarm <= now, "a timer is due without a notification");
        queue.run(now);
        alarm = queue.nextDeadline;
        for (const [each] of due) deadlines.delete(each);
        assertEquals(probes.filter((each) => each.fired.length > 0).length, due.length);
        for (const [each] of due) assertEquals(each.fired, [now]);
        break;
      }
      default: {
        const deadline = now + random() % 1000;
        queue.schedule(probe, deadline);
        deadlines.set(probe, deadline);
      }
    }
    assertEquals(queue.size, deadlines.size);
    assertEquals(queue.nextDeadline, Math.min(Infinity, ...deadlines.values()));
  }
  assert(deadlines.size > 0);
});
