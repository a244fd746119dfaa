import { libc } from "../../ffi/libc.ts";
import { EPOLLIN, EPOLLOUT, Poller } from "../../ffi/poller.ts";
import { RING_SIZE } from "../../ffi/poller_shared.ts";
import { SystemError } from "../../ffi/errors.ts";
import { TestDescriptor } from "./test_descriptor.ts";
import { assert, assertEquals, assertMatch, assertThrows } from "../assert.ts";

libc();

const EFD_NONBLOCK = 0o4000;

const failOnError = (error: Error): void => {
  throw error;
};

Deno.test("a descriptor is called back once each time that it is armed", async () => {
  const poller = new Poller({ onError: failOnError });
  using a = new TestDescriptor(poller);
  using other = new TestDescriptor(poller);
  a.set(); // not armed: silent, as the other's event, which comes later, shows
  other.handle.arm(EPOLLIN); // before the thread is up
  other.set();
  await other.next;
  assertEquals(a.calls, []);

  a.handle.arm(EPOLLIN); // is ready already
  await a.next;
  other.clear();
  other.handle.arm(EPOLLIN); // is not
  other.set();
  await other.next;
  assertEquals(a.calls, [EPOLLIN]); // one event only, though it is still readable
  assertEquals(other.calls, [EPOLLIN, EPOLLIN]);

  a.handle.arm(EPOLLIN | EPOLLOUT);
  await a.next;
  assertEquals(a.calls, [EPOLLIN, EPOLLIN | EPOLLOUT]);
  await poller.close();
});

Deno.test("a removed descriptor is silent, and its slot serves another", async () => {
  const poller = new Poller({ onError: failOnError });
  using removed = new TestDescriptor(poller);
  removed.handle.arm(EPOLLIN);
  removed.set();
  // The event is in the ring already when it is removed; JavaScript had no turn to see it.
  const until = performance.now() + 50;
  while (performance.now() < until);
  removed.handle.remove();
  using next = new TestDescriptor(poller);
  next.handle.arm(EPOLLIN);
  next.set();
  await next.next;
  assertEquals(removed.calls, []);
  assertEquals(next.calls, [EPOLLIN]);
  removed.handle.remove(); // again: nothing
  next.clear();
  next.handle.arm(EPOLLIN);
  next.set();
  await next.next;
  await poller.close();
});

Deno.test("handles may be removed and added within a callback, and after their descriptor was closed", async () => {
  const poller = new Poller({ onError: failOnError });
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
  await poller.close();
});

Deno.test("more descriptors are ready than the ring has room for, while nobody reads it", async () => {
  const poller = new Poller({ onError: failOnError });
  const all = Array.from({ length: RING_SIZE + 200 }, () => new TestDescriptor(poller));
  all[0]!.handle.arm(EPOLLIN);
  all[0]!.set();
  await all[0]!.next; // the thread is up
  const done = all.map((descriptor) => descriptor.next);
  for (const descriptor of all) descriptor.handle.arm(EPOLLIN);
  for (const descriptor of all) descriptor.set();
  const until = performance.now() + 50; // for the thread to fill the ring
  while (performance.now() < until);
  await Promise.all(done);
  assertEquals(all.shift()!.calls, [EPOLLIN, EPOLLIN]);
  for (const descriptor of all) assertEquals(descriptor.calls, [EPOLLIN]);
  await poller.close();
  for (const descriptor of all) descriptor[Symbol.dispose]();
});

Deno.test("closing: at once, twice, and while something is armed", async () => {
  const atOnce = new Poller({ onError: failOnError });
  await atOnce.close();
  assertThrows(() => atOnce.add(0, () => {}), Error, "closed");

  const poller = new Poller({ onError: failOnError });
  using descriptor = new TestDescriptor(poller);
  descriptor.handle.arm(EPOLLIN);
  descriptor.set();
  await descriptor.next;
  descriptor.handle.arm(EPOLLIN);
  await Promise.all([poller.close(), poller.close()]);
  await poller.close();
  descriptor.handle.arm(EPOLLIN);
  descriptor.handle.remove();
  assertEquals(descriptor.calls, [EPOLLIN]);
});

async function script(flags: string[], body: string): Promise<{ code: number; stdout: string; seconds: number }> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(
      file,
      `import { EPOLLIN, Poller } from ${JSON.stringify(import.meta.resolve("../../ffi/poller.ts"))};
       import { libc } from ${JSON.stringify(import.meta.resolve("../../ffi/libc.ts"))};\n${body}`,
    );
    const start = performance.now();
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", ...flags, file],
    }).output();
    return { code, stdout: new TextDecoder().decode(stdout), seconds: (performance.now() - start) / 1000 };
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("a process ends when its poller is closed, and by Deno.exit while it is open", async () => {
  const open = `
    const poller = new Poller({ onError: (e) => console.log("error", e.message) });
    const fd = libc().eventfd(1, 0);
    await new Promise<void>((resolve) => poller.add(fd, () => resolve()).arm(EPOLLIN));
    console.log("ready");`;
  const closed = await script(["--allow-ffi", "--allow-read"], `${open} await poller.close();`);
  assertEquals([closed.code, closed.stdout], [0, "ready\n"]);
  const exited = await script(["--allow-ffi", "--allow-read"], `${open} Deno.exit(7);`);
  assertEquals([exited.code, exited.stdout], [7, "ready\n"]);
});

Deno.test("a thread that can't start is reported, and nothing is left", async () => {
  const { code, stdout } = await script(
    ["--allow-ffi"],
    `const poller = new Poller({ onError: (e) => console.log(e.message) });
     poller.add(libc().eventfd(1, 0), () => console.log("called back")).arm(EPOLLIN);`,
  );
  assertEquals(code, 0);
  assertMatch(stdout, /^the poller's thread: .*read/);
});

Deno.test("an epoll_wait that fails is reported", async () => {
  const failed = Promise.withResolvers<Error>();
  const poller = new Poller({ onError: failed.resolve });
  using descriptor = new TestDescriptor(poller);
  descriptor.handle.arm(EPOLLIN);
  descriptor.set();
  await descriptor.next;
  const epoll = epollDescriptor(descriptor.fd);
  // Puts another file in the place of the poller's epoll descriptor; the wait that is under way ends with the event.
  const file = libc().eventfd(0, EFD_NONBLOCK);
  descriptor.clear();
  descriptor.handle.arm(EPOLLIN);
  const dup = Deno.dlopen("libc.so.6", { dup2: { parameters: ["i32", "i32"], result: "i32" } });
  assertEquals(dup.symbols.dup2(file, epoll), epoll);
  dup.close();
  descriptor.set();
  const error = await failed.promise;
  libc().close(file);
  assert(error instanceof SystemError);
  assertEquals([error.syscall, error.code], ["epoll_wait", "EINVAL"]);
  await poller.close();
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
