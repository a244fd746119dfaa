/**
 * What the two threads of the poller share: the layout of their memory, of `struct epoll_event`, and the message that
 * starts the second one.
 *
 * @module
 */

/** 32-bit words of the shared memory, in order. */
export const enum Word {
  /** Counted up, and waited on by JavaScript's main thread, whenever the poller's thread has something to say. */
  Wake = 0,
  /** Entries written so far, modulo 2^32. */
  Head = 1,
  /** Entries read so far; the poller's thread waits on it when the ring is full. */
  Tail = 2,
  /** See {@linkcode State}. */
  State = 3,
  /** The errno that ended the poller's thread, in state Failed. */
  Errno = 4,
  /** Not 0: the poller's thread is to end. */
  Closing = 5,
  /** The first entry of the ring. */
  Ring = 6,
}

/** The life of the poller's thread. */
export const enum State {
  /** It has not touched any descriptor yet. */
  Starting = 0,
  Running = 1,
  /** It will never touch a descriptor again. */
  Stopped = 2,
  /** epoll_wait failed; nor will it touch a descriptor. */
  Failed = 3,
}

/** Words of an entry: slot, generation, events. */
export const ENTRY_WORDS = 3;

/** Entries of the ring, a power of two. */
export const RING_SIZE = 1024;

/** The slot of the event that only wakes the poller's thread. */
export const STOP_SLOT = -1;

/** What the poller's thread is told when it starts. */
export interface PollerSetup {
  readonly memory: SharedArrayBuffer;
  /** The epoll descriptor. */
  readonly epoll: number;
}

// sys/epoll.h
/** There is something to read. */
export const EPOLLIN = 0x001;
/** There is room to write. */
export const EPOLLOUT = 0x004;
/** An error is pending on the descriptor. */
export const EPOLLERR = 0x008;
/** The other side has closed. */
export const EPOLLHUP = 0x010;

// struct epoll_event is packed on x86-64 alone
const PACKED = Deno.build.arch === "x86_64";
/** 32-bit words of a `struct epoll_event`. */
export const EVENT_WORDS = PACKED ? 3 : 4;
/** The word of its `events`. */
export const EVENT_EVENTS = 0;
/** The first of the two words of its `data`: here the slot, then the generation. */
export const EVENT_DATA = PACKED ? 1 : 2;
