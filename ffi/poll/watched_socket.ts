/**
 * A descriptor that the poller watches: armed with as few system calls as possible, and closed exactly once.
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
   * Takes over the descriptor; throws a SystemError, and closes it, where the poller can't watch it.
   *
   * A TCP socket must be listening or connecting already: the kernel reports one that is neither as hung up.
   *
   * @param events what it waits for from the beginning; nothing unless given. With EPOLLET: told of each change, not armed
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

  /** The descriptor; -1 once it is closed, as the number may be another's then. */
  get fd(): number {
    return this.open ? this.descriptor : -1;
  }

  /** Waits for these events, besides those that it waits for already, until one of them is there. */
  arm(events: number): void {
    if ((events & ~this.armed) === 0 || !this.open) return;
    this.armed |= events;
    this.handle.arm(this.armed);
  }

  /** Closes it; `onEvents` is not called any more. Again: nothing. */
  close(): void {
    if (!this.open) return;
    this.open = false;
    this.handle.remove(true);
    libc().close(this.descriptor);
  }

  private readonly ready = (events: number): void => {
    this.armed = 0; // it is silent after one event
    this.onEvents(events);
  };
}
