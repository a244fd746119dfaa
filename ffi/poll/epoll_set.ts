/**
 * An epoll descriptor and the handles of the descriptors that it watches, for the poller.
 *
 * A handle is called back once for each arming. The kernel could do that (EPOLLONESHOT), at the price of a system call
 * each time. Instead, a descriptor stays as it is in the kernel, and the set remembers the events that its handle waits
 * for:
 *
 *     arm       the kernel watches for them already   → nothing to do; the usual case while traffic flows
 *     arm       it does not                           → epoll_ctl(MOD)
 *     event     the handle waits for it               → called back; it waits for nothing now
 *     event     the handle waits for something else   → epoll_ctl(MOD) to that
 *     event     the handle waits for nothing          → epoll_ctl(MOD) to silence
 *
 * A user that keeps track of readiness itself adds its handle with EPOLLET. The handle is then called at every change,
 * not while a state lasts, and there are no system calls after the first one.
 *
 * A slot is an index in the table of handles, and comes back with every event. An event may still be pending for a
 * handle that was just removed, and its slot may already belong to another handle. The generation in the event shows
 * that, and the event is dropped.
 *
 * @module
 */
import { check, EBADF, ENOENT, SystemError } from "../libc/errors.ts";
import { MachineBlock } from "../libc/memory.ts";
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

/** EPOLLERR and EPOLLHUP can't be turned off, but with this flag they come at most once. */
const SILENCE = EPOLLONESHOT;

/** A descriptor that a {@linkcode Poller} watches. */
export interface PollHandle {
  /** Calls back once, as soon as one of these events (or an error) occurs. Replaces the events of an earlier call. */
  arm(events: number): void;
  /**
   * Stops watching. Called before the descriptor is closed; the callback is not called afterwards.
   *
   * @param closing whether the descriptor, which has no duplicates, is closed next, so that the kernel removes it
   */
  remove(closing?: boolean): void;
}

/** An epoll descriptor with the table of its handles. */
export class EpollSet {
  private readonly epoll: number;
  private readonly handles: (Handle | undefined)[] = [];
  private readonly freeSlots: number[] = [];
  /** The `struct epoll_event` for epoll_ctl(2). */
  private readonly eventBlock = new MachineBlock(16);
  private readonly event = new Int32Array(this.eventBlock.bytes.buffer);
  private readonly eventPointer = this.eventBlock.pointerAt(0);
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
   * Watches `fd`, for `events` as if armed for them, or for nothing until the handle is armed. A handle added with
   * EPOLLET must not be armed. Throws a SystemError.
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

  /** Calls a handle back, unless it was removed. */
  callBack(slot: number, generation: number, events: number): void {
    const handle = this.handles[slot];
    if (handle === undefined || handle.generation !== generation) return;
    if ((handle.watched & EPOLLET) !== 0) return handle.callback(events);
    const told = handle.wanted === 0 ? 0 : events & (handle.wanted | EPOLLERR | EPOLLHUP);
    if (told === 0) return this.restrict(handle);
    handle.wanted = 0;
    handle.callback(told);
  }

  /** Removes all handles. No more can be added. */
  silence(): void {
    this.silent = true;
    this.handles.length = 0;
    this.freeSlots.length = 0;
  }

  /** Removes all handles, and closes the descriptor. */
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

  /** Makes the kernel report only the events that the handle waits for. */
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
    if (libc().epoll_ctl(this.epoll, EPOLL_CTL_DEL, handle.fd, this.eventPointer) < 0) {
      const reason = errno();
      // these: it was closed already, so the kernel has removed it
      if (reason !== EBADF && reason !== ENOENT) throw new SystemError("epoll_ctl(DEL)", reason, `fd ${handle.fd}`);
    }
  }

  private control(operation: number, fd: number, events: number, slot: number, generation: number): void {
    const { event, eventPointer } = this;
    event[EVENT_EVENTS] = events;
    event[EVENT_DATA] = slot;
    event[EVENT_DATA + 1] = generation;
    if (libc().epoll_ctl(this.epoll, operation, fd, eventPointer) < 0) {
      throw new SystemError(operation === EPOLL_CTL_ADD ? "epoll_ctl(ADD)" : "epoll_ctl(MOD)", errno(), `fd ${fd}`);
    }
  }
}

class Handle implements PollHandle {
  /** The events that it waits for. */
  wanted = 0;
  /** The events that the kernel watches for. */
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
