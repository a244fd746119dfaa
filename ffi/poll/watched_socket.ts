/**
 * A descriptor that the poller watches. It is armed with as few system calls as possible, and closed exactly once.
 *
 * @module
 */
import { libc } from "../libc/libc.ts";
import type { PollHandle } from "./epoll_set.ts";
import type { Polling } from "./poller.ts";

/** A descriptor and its handle of the poller. Owns both, and closes them together. */
export class WatchedSocket {
  /** Called with the events that occurred. The socket's user sets it. */
  onEvents: (events: number) => void = () => {};
  private readonly handle: PollHandle;
  private armed = 0;
  private open = true;

  /**
   * Takes over the descriptor. If the poller can't watch it, closes it and throws a SystemError.
   *
   * A TCP socket must be listening or connecting already: the kernel reports one that is neither as hung up.
   *
   * @param events the events that it waits for from the start; none by default. With EPOLLET, it is called at each change
   *   and never armed
   */
  constructor(private readonly descriptor: number, poller: Polling, events = 0) {
    this.armed = events;
    try {
      this.handle = poller.add(descriptor, this.ready, events);
    } catch (error) {
      libc().close(descriptor);
      throw error;
    }
  }

  /** The descriptor; -1 once it is closed, since another socket may then have the number. */
  get fd(): number {
    return this.open ? this.descriptor : -1;
  }

  /** Waits for these events as well, until one of those that it waits for occurs. */
  arm(events: number): void {
    if ((events & ~this.armed) === 0 || !this.open) return;
    this.armed |= events;
    this.handle.arm(this.armed);
  }

  /** Closes the descriptor. `onEvents` is not called afterwards. A second call does nothing. */
  close(): void {
    if (!this.open) return;
    this.open = false;
    this.handle.remove(true);
    libc().close(this.descriptor);
  }

  private readonly ready = (events: number): void => {
    this.armed = 0; // the handle calls once for each arming
    this.onEvents(events);
  };
}
