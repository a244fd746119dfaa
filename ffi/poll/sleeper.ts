/**
 * Waiting for one epoll descriptor while nothing happens: poll(2) in a thread of the runtime's pool, which costs some
 * 30 µs to begin and nothing while it lasts.
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
  /** Two `struct pollfd`: descriptor, events and what came of them; 8 bytes each. */
  private readonly descriptors = new MachineBlock(16);
  private asleep: Promise<unknown> | null = null;
  private closing: Promise<void> | undefined;

  /**
   * @param epoll what is waited for
   * @param woken called when there may be something, once after each {@linkcode sleep}
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

  /** Waits from now on, unless it does already. */
  sleep(): void {
    if (this.asleep !== null || this.closing !== undefined) return;
    // whatever it says: one that a signal has ended, or that failed, is one that has to be looked after
    this.asleep = libc().pollLater(this.descriptors.pointerAt(0), 2n, -1).then(() => {
      this.asleep = null;
      if (this.closing === undefined) this.woken();
    });
  }

  /** Ends the wait. Resolves when the descriptor is not used any more. */
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
