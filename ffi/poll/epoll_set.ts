/**
 * An epoll descriptor and the handles of what it watches, for the poller.
 *
 * A handle is told once for each arming. The kernel could do that (EPOLLONESHOT), at the price of a system call each time.
 * Instead, a descriptor stays as it is in the kernel, and the set remembers what its handle waits for:
 *
 *     arm       the kernel watches for that already   → nothing to do: this is how conversations go
 *     arm       it does not                           → epoll_ctl(MOD)
 *     event     the handle waits for it               → told; it waits for nothing now
 *     event     the handle waits for something else   → epoll_ctl(MOD) to that
 *     event     the handle waits for nothing          → epoll_ctl(MOD) to silence
 *
 * A user that remembers itself what is left to do asks for EPOLLET. It is then told of every change and of no lasting
 * state, and no system call follows the first one.
 *
 * A slot is an index in the table of handles, and comes back with every event. An event may still be under way for a
 * handle that was just removed, and its slot be another's; its generation tells, and it is dropped.
 *
 * @module
 */
import { check, EBADF, ENOENT, SystemError } from "../libc/errors.ts";
import { errno, libc } from "../libc/libc.ts";
import { O_CLOEXEC } from "../libc/constants/file.ts";
import {
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLONESHOT,
} from "../libc/constants/poll.ts";

// struct epoll_event is packed on x86-64 alone
const PACKED = Deno.build.arch === "x86_64";
/** 32-bit words of a `struct epoll_event`. */
export const EVENT_WORDS = PACKED ? 3 : 4;
/** The word of its `events`. */
export const EVENT_EVENTS = 0;
/** The first of the two words of its `data`: here the slot, then the generation. */
export const EVENT_DATA = PACKED ? 1 : 2;

/** EPOLLERR and EPOLLHUP can not be left out, but with this flag they come once at most. */
const SILENCE = EPOLLONESHOT;

/** A descriptor that a {@linkcode Poller} watches. */
export interface PollHandle {
  /** Calls back once, as soon as one of these events (or an error) is there; replaces what it was armed for. */
  arm(events: number): void;
  /**
   * Stops watching, before the descriptor is closed. The callback is not called any more.
   *
   * @param closing whether it is closed next, and nobody else has it: the kernel then forgets it by itself
   */
  remove(closing?: boolean): void;
}

/** An epoll descriptor with the table of its handles. */
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
    this.epoll = check(libc().epoll_create1(O_CLOEXEC), "epoll_create1", "");
  }

  /** The epoll descriptor; -1 after {@linkcode close}. */
  get fd(): number {
    return this.open ? this.epoll : -1;
  }

  /**
   * Watches `fd`, for nothing until its handle is armed, or for `events`, as if armed; with EPOLLET it must not be armed.
   * Throws a SystemError.
   */
  add(fd: number, callback: (events: number) => void, events = 0): PollHandle {
    if (this.silent) throw new Error("the poller is closed");
    const slot = this.freeSlots.pop() ?? this.handles.length;
    const handle = new Handle(this, fd, slot, this.generation = this.generation + 1 | 0, callback);
    try {
      this.control(EPOLL_CTL_ADD, fd, events === 0 ? SILENCE : events, slot, handle.generation);
    } catch (error) {
      if (slot < this.handles.length) this.freeSlots.push(slot);
      throw error;
    }
    handle.wanted = handle.watched = events;
    this.handles[slot] = handle;
    return handle;
  }

  /** Tells a handle, unless it was removed. */
  callBack(slot: number, generation: number, events: number): void {
    const handle = this.handles[slot];
    if (handle === undefined || handle.generation !== generation) return;
    if ((handle.watched & EPOLLET) !== 0) return handle.callback(events);
    const told = handle.wanted === 0 ? 0 : events & (handle.wanted | EPOLLERR | EPOLLHUP);
    if (told === 0) return this.restrict(handle);
    handle.wanted = 0;
    handle.callback(told);
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
    handle.wanted = events;
    if ((events & ~handle.watched) === 0) return;
    this.watch(handle, events);
    handle.watched = events;
  }

  /** Has the kernel report no more than the handle waits for. */
  private restrict(handle: Handle): void {
    if (handle.wanted !== 0) this.watch(handle, handle.wanted);
    else if (handle.watched !== 0) this.watch(handle, SILENCE);
    handle.watched = handle.wanted;
  }

  private watch(handle: Handle, events: number): void {
    this.control(EPOLL_CTL_MOD, handle.fd, events, handle.slot, handle.generation);
  }

  /** @ignore for handles */
  forget(handle: Handle, closing: boolean): void {
    if (!this.open || this.handles[handle.slot] !== handle) return;
    this.handles[handle.slot] = undefined;
    this.freeSlots.push(handle.slot);
    if (closing) return;
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
  /** What it waits for, and what the kernel watches for. */
  wanted = 0;
  watched = 0;

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

  remove(closing = false): void {
    this.set.forget(this, closing);
  }
}
