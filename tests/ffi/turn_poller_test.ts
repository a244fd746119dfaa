import process from "node:process";
import { libc } from "../../ffi/libc.ts";
import { EPOLLIN, EPOLLOUT, Poller } from "../../ffi/poller.ts";
import { TurnPoller, type TurnPollerOptions } from "../../ffi/turn_poller.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { TestDescriptor } from "./test_descriptor.ts";
import { socketPair } from "./unix_sockets.ts";

libc();

const onError = (error: Error): void => {
  throw error;
};

function begun(options: TurnPollerOptions): TurnPoller {
  const poller = new TurnPoller(options);
  poller.begin();
  return poller;
}

for (const waitMicroseconds of [100, 0]) {
  const title = waitMicroseconds > 0 ? "waiting" : "only looking";

  Deno.test(`${title}: a descriptor is called back once each time that it is armed, idle or not`, async () => {
    const poller = begun({ onError, waitMicroseconds });
    using a = new TestDescriptor(poller);
    using other = new TestDescriptor(poller);
    a.set(); // not armed: silent
    for (const idle of [false, true, false]) {
      if (idle) await new Promise((resolve) => setTimeout(resolve, 30));
      const before = other.calls.length;
      other.handle.arm(EPOLLIN);
      other.set();
      await other.next;
      assertEquals(other.calls.length, before + 1);
      other.clear();
    }
    assertEquals(a.calls, []);
    a.handle.arm(EPOLLIN | EPOLLOUT); // is ready already
    await a.next;
    other.handle.arm(EPOLLIN);
    other.set();
    await other.next;
    assertEquals(a.calls, [EPOLLIN | EPOLLOUT]); // once, though it is still readable
    await poller.close();
  });

  Deno.test(`${title}: a conversation of 2,000 events`, async () => {
    const poller = begun({ onError, waitMicroseconds });
    const over = Promise.withResolvers<void>();
    using b: TestDescriptor = new TestDescriptor(poller, () => {
      b.clear();
      if (b.calls.length === 1000) return over.resolve();
      b.handle.arm(EPOLLIN);
      a.set();
    });
    using a: TestDescriptor = new TestDescriptor(poller, () => {
      a.clear();
      a.handle.arm(EPOLLIN);
      b.set();
    });
    a.handle.arm(EPOLLIN);
    b.handle.arm(EPOLLIN);
    a.set();
    await over.promise;
    assertEquals([a.calls.length, b.calls.length], [1000, 1000]);
    await poller.close();
  });
}

Deno.test("a removed descriptor is silent, also when its event came in the same turn, and its slot serves another", async () => {
  const poller = begun({ onError });
  const pair: TestDescriptor[] = [];
  for (let i = 0; i < 2; i++) {
    pair.push(new TestDescriptor(poller, () => pair[1 - i]!.handle.remove()));
  }
  for (const descriptor of pair) {
    descriptor.set();
    descriptor.handle.arm(EPOLLIN);
  }
  await Promise.race(pair.map((descriptor) => descriptor.next));
  using next = new TestDescriptor(poller);
  next.set();
  next.handle.arm(EPOLLIN);
  await next.next;
  assertEquals(pair[0]!.calls.length + pair[1]!.calls.length, 1);
  for (const descriptor of pair) descriptor.handle.remove();
  for (const descriptor of pair) descriptor[Symbol.dispose]();
  await poller.close();
});

Deno.test("hundreds are ready at once", async () => {
  const poller = begun({ onError });
  const all = Array.from({ length: 300 }, () => new TestDescriptor(poller));
  const done = all.map((descriptor) => descriptor.next);
  for (const descriptor of all) {
    descriptor.set();
    descriptor.handle.arm(EPOLLIN);
  }
  await Promise.all(done);
  await new Promise((resolve) => setTimeout(resolve, 10));
  for (const descriptor of all) assertEquals(descriptor.calls, [EPOLLIN]);
  for (const descriptor of all) descriptor[Symbol.dispose]();
  await poller.close();
});

Deno.test("timers and operations of the runtime get their turns while events keep coming", async () => {
  const poller = begun({ onError });
  using busy: TestDescriptor = new TestDescriptor(poller, () => busy.handle.arm(EPOLLIN)); // always ready
  busy.set();
  busy.handle.arm(EPOLLIN);
  await busy.next;
  const start = performance.now();
  for (let i = 0; i < 10; i++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    await Deno.stat("/");
  }
  assert(performance.now() - start < 1000);
  assert(busy.calls.length > 100);
  await poller.close();
});

Deno.test("a turn ends after some milliseconds, however few its events", async () => {
  const poller = begun({ onError });
  const pause = () => {
    for (const until = performance.now() + 1; performance.now() < until;);
    slow.handle.arm(EPOLLIN);
  };
  using slow: TestDescriptor = new TestDescriptor(poller, pause); // always ready, and each event takes 1 ms
  slow.set();
  slow.handle.arm(EPOLLIN);
  await slow.next;
  const gaps: number[] = [];
  for (let i = 0; i < 20; i++) {
    const before = slow.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 0));
    gaps.push(slow.calls.length - before);
  }
  const longest = Math.max(...gaps);
  assert(longest > 0 && longest <= 8, `${longest} events until a timer`); // 32 and more without a bound on time
  await poller.close();
});

Deno.test("what was put off runs after the events, in order, idle or not, and also behind one that throws", async () => {
  const poller = begun({ onError });
  const order: string[] = [];
  const put = (what: string) => poller.defer(() => void order.push(what));
  for (const idle of [true, false]) {
    if (idle) await new Promise((resolve) => setTimeout(resolve, 30));
    order.length = 0;
    const done = Promise.withResolvers<void>();
    using descriptor: TestDescriptor = new TestDescriptor(poller, () => {
      put("first");
      put("second");
      poller.defer(() => {
        poller.defer(done.resolve);
        put("third");
      });
      order.push("event");
    });
    descriptor.set();
    descriptor.handle.arm(EPOLLIN);
    await done.promise;
    await new Promise((resolve) => setTimeout(resolve, 1));
    assertEquals(order, ["event", "first", "second", "third"]);
  }
  const alone = Promise.withResolvers<void>();
  await new Promise((resolve) => setTimeout(resolve, 30));
  poller.defer(alone.resolve); // nothing else happens
  await alone.promise;
  await poller.close();
});

Deno.test("a promise that a callback resolves is served before the next event where the callback yields", async () => {
  const poller = begun({ onError });
  const order: string[] = [];
  const done = Promise.withResolvers<void>();
  using descriptor: TestDescriptor = new TestDescriptor(poller, () => {
    order.push("event");
    if (order.length > 10) return done.resolve();
    Promise.resolve().then(() => order.push("promise"));
    poller.yield();
    descriptor.handle.arm(EPOLLIN);
  });
  descriptor.set();
  descriptor.handle.arm(EPOLLIN);
  await done.promise;
  assertEquals(order.slice(0, 10), Array.from({ length: 10 }, (_, i) => i % 2 === 0 ? "event" : "promise"));
  await poller.close();
});

Deno.test("a descriptor that hung up and is waited for by nobody does not keep it busy", async () => {
  const poller = begun({ onError });
  const [ours, theirs] = socketPair(1); // SOCK_STREAM
  const events: number[] = [];
  const handle = poller.add(ours, (event) => void events.push(event), EPOLLIN);
  libc().close(theirs);
  while (events.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(events.length, 1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const { user, system } = process.cpuUsage(before);
  assert(user + system < 20_000, `${user} + ${system} µs in 200 ms`);
  assertEquals(events.length, 1);
  handle.remove(true);
  libc().close(ours);
  await poller.close();
});

Deno.test("it calls nobody back before it begins", async () => {
  const poller = new TurnPoller({ onError });
  using descriptor = new TestDescriptor(poller);
  descriptor.set();
  descriptor.handle.arm(EPOLLIN);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(descriptor.calls, []);
  poller.begin();
  await descriptor.next;
  assertEquals(descriptor.calls, [EPOLLIN]);
  await poller.close();
});

Deno.test("idle costs nothing", async () => {
  const poller = begun({ onError });
  using descriptor = new TestDescriptor(poller);
  descriptor.handle.arm(EPOLLIN);
  descriptor.set();
  await descriptor.next;
  await new Promise((resolve) => setTimeout(resolve, 100));
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const { user, system } = process.cpuUsage(before); // in µs
  assert(user + system < 25_000, `${user} + ${system} µs in 500 ms`);
  await poller.close();
});

Deno.test("closing: at once, twice, armed, and from within a callback", async () => {
  const atOnce = begun({ onError });
  await atOnce.close();
  assertThrows(() => atOnce.add(0, () => {}), Error, "closed");

  const poller = begun({ onError });
  let closing: Promise<void> | undefined;
  using a = new TestDescriptor(poller, () => closing ??= poller.close());
  using b = new TestDescriptor(poller, () => closing ??= poller.close());
  for (const descriptor of [a, b]) {
    descriptor.set();
    descriptor.handle.arm(EPOLLIN);
  }
  await Promise.race([a.next, b.next]);
  await closing;
  await poller.close();
  a.handle.arm(EPOLLIN);
  a.handle.remove();
  assertEquals(a.calls.length + b.calls.length, 1);
});

for (const make of [() => new Poller({ onError }), () => begun({ onError })]) {
  const poller = make();
  Deno.test(`a callback that throws does not keep the others from theirs: ${poller.constructor.name}`, async () => {
    const thrown: unknown[] = [];
    const seen = (event: ErrorEvent | PromiseRejectionEvent) => {
      event.preventDefault();
      thrown.push(event instanceof ErrorEvent ? event.error : event.reason);
    };
    addEventListener("error", seen);
    addEventListener("unhandledrejection", seen);
    const fault = new Error("a fault");
    const all = Array.from({ length: 5 }, (_, i) =>
      new TestDescriptor(poller, () => {
        if (i === 1 || i === 3) throw fault;
      }));
    const done = all.map((descriptor) => descriptor.next);
    for (const descriptor of all) {
      descriptor.set();
      descriptor.handle.arm(EPOLLIN);
    }
    await Promise.all(done);
    all[0]!.handle.arm(EPOLLIN);
    await all[0]!.next;
    await new Promise((resolve) => setTimeout(resolve, 0));
    assertEquals(thrown, [fault, fault]);
    removeEventListener("error", seen);
    removeEventListener("unhandledrejection", seen);
    for (const descriptor of all) descriptor[Symbol.dispose]();
    await poller.close();
  });
}
