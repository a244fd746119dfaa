import { EpollSet } from "../../../ffi/poll/epoll_set.ts";
import { libc } from "../../../ffi/libc/libc.ts";
import { Sleeper } from "../../../ffi/poll/sleeper.ts";
import { assertEquals } from "../../assert.ts";
import { EPOLLIN } from "../../../ffi/libc/constants/poll.ts";

const c = libc();

const ONE = new BigUint64Array(new ArrayBuffer(8)).fill(1n);

Deno.test("a sleeper is woken once per sleep, and may be closed asleep or awake", async () => {
  for (const asleep of [false, true]) {
    const set = new EpollSet();
    const fd = c.eventfd(0, 0);
    const handle = set.add(fd, () => {}, EPOLLIN);
    let woken = Promise.withResolvers<void>();
    let times = 0;
    const sleeper = new Sleeper(set.fd, () => {
      times++;
      woken.resolve();
    });
    for (let i = 1; i <= 3; i++) {
      woken = Promise.withResolvers();
      sleeper.sleep();
      sleeper.sleep(); // sleeps already
      c.writeBuffer(fd, ONE, 8n);
      await woken.promise;
      assertEquals(times, i);
      c.readBuffer(fd, new Uint8Array(8), 8n);
    }
    if (asleep) sleeper.sleep();
    await sleeper.close();
    await sleeper.close();
    sleeper.sleep(); // never again
    assertEquals(times, 3);
    handle.remove();
    set.close();
    c.close(fd);
  }
});
