/**
 * Waits for one epoll descriptor while nothing happens, by poll(2) in a thread of the runtime's pool. That costs some
 * 30 µs to begin, and nothing while it lasts.
 *
 * @module
 */
import { check } from "../libc/errors.ts";
import { libc } from "../libc/libc.ts";
import { MachineBlock } from "../libc/memory.ts";
import { O_CLOEXEC, O_NONBLOCK } from "../libc/constants/file.ts";
import { POLLIN } from "../libc/constants/poll.ts";

/** Waits for one epoll descriptor in another thread. */
export class Sleeper {
  private readonly wakeup: number;
  /** Two `struct pollfd` of 8 bytes each: descriptor, events, events found. */
  private readonly descriptors = new MachineBlock(16);
  private asleep: Promise<unknown> | null = null;
  private closing: Promise<void> | undefined;

  /**
   * @param epoll the descriptor to wait for
   * @param woken called once after each {@linkcode sleep}, when there may be events
   * @throws SystemError
   */
  constructor(epoll: number, private readonly woken: () => void) {
    this.wakeup = check(libc().eventfd(0, O_NONBLOCK | O_CLOEXEC), "eventfd", "");
    const view = new DataView(this.descriptors.bytes.buffer);
    for (const [i, fd] of [epoll, this.wakeup].entries()) {
      view.setInt32(i * 8, fd, true);
      view.setInt16(i * 8 + 4, POLLIN, true);
    }
  }

  /** Starts to wait, unless it waits already. */
  sleep(): void {
    if (this.asleep !== null || this.closing !== undefined) return;
    // whatever the result: after a signal or a failure, the poller has to look as well
    this.asleep = libc().pollLater(this.descriptors.pointerAt(0), 2n, -1).then(() => {
      this.asleep = null;
      if (this.closing === undefined) this.woken();
    });
  }

  /** Ends the wait. Resolves when the thread no longer uses the epoll descriptor. */
  close(): Promise<void> {
    return this.closing ??= this.end();
  }

  private async end(): Promise<void> {
    const one = new BigUint64Array(new ArrayBuffer(8)).fill(1n);
    check(libc().writeBuffer(this.wakeup, one, 8n), "write", "the poller's eventfd");
    await this.asleep;
    libc().close(this.wakeup);
  }
}
