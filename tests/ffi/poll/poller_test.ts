import { libc } from "../../../ffi/libc/libc.ts";
import { Poller } from "../../../ffi/poll/poller.ts";
import { assert, assertEquals, assertFields, assertThrows } from "../../assert.ts";
import { begunPoller, onError } from "../bed/begun_poller.ts";
import { runScript } from "../bed/run_script.ts";
import { TestDescriptor } from "../bed/test_descriptor.ts";
import { SystemError } from "../../../ffi/libc/errors.ts";
import { socketPair } from "../bed/unix_sockets.ts";
import type { Result } from "../../../scripts/lab/process.ts";
import { delay } from "../../../scripts/lab/timing.ts";
import { EPOLLET, EPOLLIN, EPOLLOUT } from "../../../ffi/libc/constants/poll.ts";

libc();

const EFD_NONBLOCK = 0o4000;
const SOCK_STREAM = 1;

for (const waitMicroseconds of [100, 0]) {
  const title = waitMicroseconds > 0 ? "waiting" : "only looking";

  Deno.test(`${title}: a descriptor is called back once per arming, idle or not`, async () => {
    await using poller = begunPoller({ waitMicroseconds });
    using a = new TestDescriptor(poller);
    using other = new TestDescriptor(poller);
    a.set(); // not armed: silent
    for (const idle of [false, true, false]) {
      if (idle) await delay(30);
      const before = other.calls.length;
      other.handle.arm(EPOLLIN);
      other.set();
      await other.next;
      assertEquals(other.calls.length, before + 1);
      other.clear();
    }
    assertEquals(a.calls, []);
    a.handle.arm(EPOLLIN | EPOLLOUT); // already ready
    await a.next;
    other.handle.arm(EPOLLIN);
    other.set();
    await other.next;
    assertEquals(a.calls, [EPOLLIN | EPOLLOUT]); // once, though it is still readable
  });

  Deno.test(`${title}: atRest calls back once, after the pending events`, async () => {
    await using poller = begunPoller({ waitMicroseconds });
    using first = new TestDescriptor(poller);
    using second = new TestDescriptor(poller);
    const order: string[] = [];
    const rested = Promise.withResolvers<void>();
    first.set();
    second.set();
    first.handle.arm(EPOLLIN);
    poller.atRest(() => {
      order.push("rest");
      rested.resolve();
    });
    poller.defer(() => {
      order.push("deferred");
      second.handle.arm(EPOLLIN);
      poller.defer(() => order.push("deferred again"));
    });
    await rested.promise;
    assertEquals(order, ["deferred", "deferred again", "rest"]);
    assertEquals(first.calls.length, 1, "events of the first");
    assertEquals(second.calls.length, 1, "events of the second");
    await delay(20);
    assertEquals(order.length, 3, "it is called once");
  });

  Deno.test(`${title}: idleness is reported once, and again after the next event`, async () => {
    const poller = new Poller({ onError, waitMicroseconds });
    let rests = 0, rested = Promise.withResolvers<void>();
    poller.onRest(() => {
      rests++;
      rested.resolve();
    });
    poller.begin();
    await rested.promise;
    await new Promise((resolve) => setTimeout(resolve, 30)); // without a call
    assertEquals(rests, 1, "at the beginning");
    using descriptor = new TestDescriptor(poller);
    rested = Promise.withResolvers();
    descriptor.handle.arm(EPOLLIN);
    descriptor.set();
    await descriptor.next;
    await rested.promise;
    assertEquals(rests, 2, "after an event");
    await poller.close();
  });

  Deno.test(`${title}: a descriptor with EPOLLET gets its present state, then each change, without being armed`, async () => {
    await using poller = begunPoller({ waitMicroseconds });
    const [a, b] = socketPair(SOCK_STREAM);
    const calls: number[] = [];
    let called = Promise.withResolvers<void>();
    const handle = poller.add(a, (events) => {
      calls.push(events);
      called.resolve();
    }, EPOLLIN | EPOLLOUT | EPOLLET);
    using other = new TestDescriptor(poller);
    for (const expected of [EPOLLOUT, EPOLLIN | EPOLLOUT, EPOLLIN | EPOLLOUT]) {
      await called.promise;
      called = Promise.withResolvers<void>();
      for (let i = 0; i < 3; i++) { // turns without a change
        other.handle.arm(EPOLLIN);
        other.set();
        await other.next;
        other.clear();
      }
      assertEquals(calls, [expected]);
      calls.length = 0;
      assertEquals(libc().writeBuffer(b, new Uint8Array(1), 1n), 1);
    }
    await called.promise;
    handle.remove();
    calls.length = 0;
    assertEquals(libc().writeBuffer(b, new Uint8Array(1), 1n), 1);
    other.handle.arm(EPOLLIN);
    other.set();
    await other.next;
    assertEquals(calls, []);
    for (const fd of [a, b]) libc().close(fd);
  });

  Deno.test(`${title}: a conversation of 2,000 events`, async () => {
    await using poller = begunPoller({ waitMicroseconds });
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
    assertEquals({ a: a.calls.length, b: b.calls.length }, { a: 1000, b: 1000 });
  });
}

Deno.test("a removed descriptor is not called back, even if its event came in the same turn, and its slot is reused", async () => {
  await using poller = begunPoller();
  const pair: TestDescriptor[] = [];
  for (let i = 0; i < 2; i++) {
    pair.push(new TestDescriptor(poller, () => pair[1 - i].handle.remove()));
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
  assertEquals(pair[0].calls.length + pair[1].calls.length, 1);
  for (const descriptor of pair) descriptor.handle.remove();
  for (const descriptor of pair) descriptor[Symbol.dispose]();
});

Deno.test("hundreds of descriptors are ready at once", async () => {
  await using poller = begunPoller();
  const all = Array.from({ length: 300 }, () => new TestDescriptor(poller));
  const done = all.map((descriptor) => descriptor.next);
  for (const descriptor of all) {
    descriptor.set();
    descriptor.handle.arm(EPOLLIN);
  }
  await Promise.all(done);
  await delay(10);
  for (const descriptor of all) assertEquals(descriptor.calls, [EPOLLIN]);
  for (const descriptor of all) descriptor[Symbol.dispose]();
});

Deno.test("a hung-up descriptor without a waiter does not keep the poller busy", async () => {
  await using poller = begunPoller();
  const [ours, theirs] = socketPair(SOCK_STREAM);
  const events: number[] = [];
  const handle = poller.add(ours, (event) => void events.push(event), EPOLLIN);
  libc().close(theirs);
  while (events.length === 0) await delay(1);
  assertEquals(events.length, 1);
  await delay(50);
  const before = process.cpuUsage();
  await delay(200);
  const { user, system } = process.cpuUsage(before);
  assert(user + system < 20_000, `${user} + ${system} µs in 200 ms`);
  assertEquals(events.length, 1);
  handle.remove(true);
  libc().close(ours);
});

Deno.test("nothing is called back before begin", async () => {
  const poller = new Poller({ onError });
  const deferred = Promise.withResolvers<void>();
  poller.defer(deferred.resolve);
  using descriptor = new TestDescriptor(poller);
  descriptor.set();
  descriptor.handle.arm(EPOLLIN);
  await delay(20);
  assertEquals(descriptor.calls, []);
  poller.begin();
  await Promise.all([descriptor.next, deferred.promise]);
  assertEquals(descriptor.calls, [EPOLLIN]);
  await poller.close();
});

Deno.test("closing: immediately, twice, while armed, and from within a callback", async () => {
  const atOnce = begunPoller();
  await atOnce.close();
  assertThrows(() => atOnce.add(0, () => {}), Error, "closed");

  const poller = begunPoller();
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

Deno.test("a callback that throws does not prevent the others", async () => {
  await using poller = begunPoller();
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
  all[0].handle.arm(EPOLLIN);
  await all[0].next;
  await delay(0);
  assertEquals(thrown, [fault, fault]);
  removeEventListener("error", seen);
  removeEventListener("unhandledrejection", seen);
  for (const descriptor of all) descriptor[Symbol.dispose]();
});

Deno.test("handles may be removed and added within a callback, and after their descriptor is closed", async () => {
  await using poller = begunPoller();
  using second = new TestDescriptor(poller);
  using first = new TestDescriptor(poller, () => {
    first.handle.remove();
    second.handle.arm(EPOLLIN);
  });
  first.handle.arm(EPOLLIN);
  first.set();
  second.set();
  await second.next;
  assertEquals(first.calls, [EPOLLIN]);
  const fd = libc().eventfd(0, EFD_NONBLOCK);
  const handle = poller.add(fd, () => {});
  libc().close(fd);
  handle.remove();
  assertThrows(() => poller.add(fd, () => {}), SystemError, "epoll_ctl(ADD)");
});

function script(body: string): Promise<Result> {
  const imports = `
    import { EPOLLIN } from ${JSON.stringify(import.meta.resolve("../../../ffi/libc/constants/poll.ts"))};
    import { Poller } from ${JSON.stringify(import.meta.resolve("../../../ffi/poll/poller.ts"))};
    import { libc } from ${JSON.stringify(import.meta.resolve("../../../ffi/libc/libc.ts"))};\n`;
  return runScript(imports + body, "--allow-ffi");
}

Deno.test("a process ends when its poller is closed, and by Deno.exit while it is open", async () => {
  const open = `
    const poller = new Poller({ onError: (e) => console.log("error", e.message) });
    poller.begin();
    const fd = libc().eventfd(1, 0);
    await new Promise<void>((resolve) => poller.add(fd, () => resolve()).arm(EPOLLIN));
    console.log("ready");`;
  const closed = await script(`${open} await poller.close();`);
  assertFields(closed, { code: 0, stdout: "ready\n" });
  const exited = await script(`${open} Deno.exit(7);`);
  assertFields(exited, { code: 7, stdout: "ready\n" });
});

Deno.test("an epoll_wait that fails is reported", async () => {
  const failed = Promise.withResolvers<Error>();
  await using poller = begunPoller({ onError: failed.resolve });
  using descriptor = new TestDescriptor(poller);
  descriptor.handle.arm(EPOLLIN);
  descriptor.set();
  await descriptor.next;
  const epoll = epollDescriptor(descriptor.fd);
  // Replaces the poller's epoll descriptor with another file, a readable one so that no wait for it blocks.
  const file = libc().eventfd(1, EFD_NONBLOCK);
  descriptor.clear();
  descriptor.handle.arm(EPOLLIN);
  const dup = Deno.dlopen("libc.so.6", { dup2: { parameters: ["i32", "i32"], result: "i32" } });
  assertEquals(dup.symbols.dup2(file, epoll), epoll);
  dup.close();
  descriptor.set();
  const error = await failed.promise;
  libc().close(file);
  assert(error instanceof SystemError);
  assertFields(error, { syscall: "epoll_wait", code: "EINVAL" });
});

/** The epoll descriptor of this process that watches `fd`. */
function epollDescriptor(fd: number): number {
  for (const { name } of Deno.readDirSync("/proc/self/fdinfo")) {
    try {
      if (new RegExp(`^tfd: +${fd} `, "m").test(Deno.readTextFileSync(`/proc/self/fdinfo/${name}`))) {
        return Number(name);
      }
    } catch { /* closed meanwhile */ }
  }
  throw new Error("no epoll descriptor watches it");
}
