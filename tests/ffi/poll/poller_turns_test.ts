import process from "node:process";
import { EPOLLIN } from "../../../ffi/libc/constants/poll.ts";
import { libc } from "../../../ffi/libc/libc.ts";
import { delay } from "../../../scripts/lab/timing.ts";
import { assert, assertEquals } from "../../assert.ts";
import { begunPoller } from "../bed/begun_poller.ts";
import { TestDescriptor } from "../bed/test_descriptor.ts";

libc();

Deno.test("the clock stands still during an event, and advances between turns", async () => {
  await using poller = begunPoller();
  const told = Promise.withResolvers<number[]>();
  using descriptor = new TestDescriptor(poller, () => {
    const times = [poller.now()];
    while (performance.now() < times[0] + 2);
    told.resolve([...times, poller.now(), performance.now()]);
  });
  descriptor.handle.arm(EPOLLIN);
  const before = performance.now();
  descriptor.set();
  const [first, second, after] = await told.promise;
  assert(before <= first && second === first, `${before}, ${first}, ${second}`);
  assert(poller.now() >= after);
});

Deno.test("timers and operations of the runtime run while events keep coming", async () => {
  await using poller = begunPoller();
  using busy: TestDescriptor = new TestDescriptor(poller, () => busy.handle.arm(EPOLLIN)); // always ready
  busy.set();
  busy.handle.arm(EPOLLIN);
  await busy.next;
  const start = performance.now();
  for (let i = 0; i < 10; i++) {
    await delay(1);
    await Deno.stat("/");
  }
  assert(performance.now() - start < 1000);
  assert(busy.calls.length > 100);
});

Deno.test("a turn ends after some milliseconds, however few its events", async () => {
  await using poller = begunPoller();
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
    await delay(0);
    gaps.push(slow.calls.length - before);
  }
  const longest = Math.max(...gaps);
  assert(longest > 0 && longest <= 8, `${longest} events until a timer`); // 32 and more without a bound on time
});

Deno.test("deferred callbacks run after the events, in order, idle or not, even after one that throws", async () => {
  await using poller = begunPoller();
  const order: string[] = [];
  const put = (what: string) => poller.defer(() => void order.push(what));
  for (const idle of [true, false]) {
    if (idle) await delay(30);
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
    await delay(1);
    assertEquals(order, ["event", "first", "second", "third"]);
  }
  const alone = Promise.withResolvers<void>();
  await delay(30);
  poller.defer(alone.resolve); // nothing else happens
  await alone.promise;
});

Deno.test("a promise that a callback resolves runs before the next event if the callback yields", async () => {
  await using poller = begunPoller();
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
});

Deno.test("idle costs nothing", async () => {
  await using poller = begunPoller();
  using descriptor = new TestDescriptor(poller);
  descriptor.handle.arm(EPOLLIN);
  descriptor.set();
  await descriptor.next;
  await delay(100);
  const before = process.cpuUsage();
  await delay(500);
  const { user, system } = process.cpuUsage(before); // in µs
  assert(user + system < 25_000, `${user} + ${system} µs in 500 ms`);
});
