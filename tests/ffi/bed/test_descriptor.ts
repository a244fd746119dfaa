/**
 * An eventfd on a poller, which is readable from `set` to `clear`, and the events that the poller has reported.
 *
 * @module
 */
import { libc } from "../../../ffi/libc/libc.ts";
import type { PollHandle } from "../../../ffi/poll/epoll_set.ts";
import type { Polling } from "../../../ffi/poll/poller.ts";
import { assert, assertEquals } from "../../assert.ts";

// sys/eventfd.h
const EFD_NONBLOCK = 0o4000;
const ONE = new BigUint64Array(new ArrayBuffer(8)).fill(1n);

/** An eventfd on a poller that records its events. */
export class TestDescriptor implements Disposable {
  readonly fd: number = libc().eventfd(0, EFD_NONBLOCK);
  readonly handle: PollHandle;
  readonly calls: number[] = [];
  private called = Promise.withResolvers<void>();

  constructor(poller: Polling, private readonly onEvent?: () => void) {
    assert(this.fd >= 0);
    this.handle = poller.add(this.fd, (events) => {
      this.calls.push(events);
      this.called.resolve();
      this.called = Promise.withResolvers<void>();
      this.onEvent?.();
    });
  }

  /** Resolves with the next event. */
  get next(): Promise<void> {
    return this.called.promise;
  }

  /** Makes it readable. */
  set(): void {
    assertEquals(libc().writeBuffer(this.fd, ONE, 8n), 8);
  }

  /** Makes it unreadable again. */
  clear(): void {
    assertEquals(libc().readBuffer(this.fd, new Uint8Array(8), 8n), 8);
  }

  [Symbol.dispose](): void {
    libc().close(this.fd);
  }
}
