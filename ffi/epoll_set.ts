/**
 * An epoll descriptor and the handles of what it watches, for the pollers.
 *
 * A slot is an index in the table of handles, and comes back with every event. An event may still be under way for a
 * handle that was just removed, and its slot be another's; its generation tells, and it is dropped.
 *
 * @module
 */
import { check, EBADF, ENOENT, SystemError } from "./errors.ts";
import { errno, libc } from "./libc.ts";
import type { PollHandle } from "./poller.ts";
import { EVENT_DATA, EVENT_EVENTS } from "./poller_shared.ts";

// sys/epoll.h
const EPOLLONESHOT = 1 << 30;
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;

/** See the module's text. */
export class EpollSet {
  private readonly epoll: number;
  private readonly handles: (Handle | undefined)[] = [];
  private readonly freeSlots: number[] = [];
  /** For epoll_ctl. */
  private readonly event = new Int32Array(new ArrayBuffer(16));
  private generation = 0;
  private silent = false;
  private open = true;

  /** Throws a SystemError. */
  constructor() {
    this.epoll = check(libc().epoll_create1(EPOLL_CLOEXEC), "epoll_create1", "");
  }

  /** The epoll descriptor; -1 after {@linkcode close}. */
  get fd(): number {
    return this.open ? this.epoll : -1;
  }

  /** Watches `fd`, for nothing until its handle is armed. Throws a SystemError. */
  add(fd: number, callback: (events: number) => void): PollHandle {
    if (this.silent) throw new Error("the poller is closed");
    const slot = this.freeSlots.pop() ?? this.handles.length;
    const handle = new Handle(this, fd, slot, this.generation = this.generation + 1 | 0, callback);
    try {
      this.control(EPOLL_CTL_ADD, fd, EPOLLONESHOT, slot, handle.generation);
    } catch (error) {
      if (slot < this.handles.length) this.freeSlots.push(slot);
      throw error;
    }
    this.handles[slot] = handle;
    return handle;
  }

  /** Watches `fd` for events that no handle is told of, but that come with this slot, again and again. */
  addRaw(fd: number, events: number, slot: number): void {
    this.control(EPOLL_CTL_ADD, fd, events, slot, 0);
  }

  /** Tells a handle, unless it was removed. */
  callBack(slot: number, generation: number, events: number): void {
    const handle = this.handles[slot];
    if (handle !== undefined && handle.generation === generation) handle.callback(events);
  }

  /** Silences all handles, and takes no more. */
  silence(): void {
    this.silent = true;
    this.handles.length = 0;
    this.freeSlots.length = 0;
  }

  /** Silences all handles, and gives the descriptor back. */
  close(): void {
    if (!this.open) return;
    this.silence();
    this.open = false;
    libc().close(this.epoll);
  }

  /** @ignore for handles */
  rearm(handle: Handle, events: number): void {
    if (this.handles[handle.slot] !== handle) return; // removed, or silenced
    this.control(EPOLL_CTL_MOD, handle.fd, events | EPOLLONESHOT, handle.slot, handle.generation);
  }

  /** @ignore for handles */
  forget(handle: Handle): void {
    if (!this.open || this.handles[handle.slot] !== handle) return;
    this.handles[handle.slot] = undefined;
    this.freeSlots.push(handle.slot);
    if (libc().epoll_ctl(this.epoll, EPOLL_CTL_DEL, handle.fd, this.event) < 0) {
      const reason = errno();
      // closed already, so the kernel has forgotten it by itself
      if (reason !== EBADF && reason !== ENOENT) throw new SystemError("epoll_ctl(DEL)", reason, `fd ${handle.fd}`);
    }
  }

  private control(operation: number, fd: number, events: number, slot: number, generation: number): void {
    const { event } = this;
    event[EVENT_EVENTS] = events;
    event[EVENT_DATA] = slot;
    event[EVENT_DATA + 1] = generation;
    if (libc().epoll_ctl(this.epoll, operation, fd, event) < 0) {
      throw new SystemError(operation === EPOLL_CTL_ADD ? "epoll_ctl(ADD)" : "epoll_ctl(MOD)", errno(), `fd ${fd}`);
    }
  }
}

class Handle implements PollHandle {
  constructor(
    private readonly set: EpollSet,
    readonly fd: number,
    readonly slot: number,
    readonly generation: number,
    readonly callback: (events: number) => void,
  ) {}

  arm(events: number): void {
    this.set.rearm(this, events);
  }

  remove(): void {
    this.set.forget(this);
  }
}
