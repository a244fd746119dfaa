/**
 * Readiness of raw file descriptors, without blocking the event loop and without any work while nothing happens.
 *
 * The runtime can wait for its own sockets but not for a descriptor that came from a system call. A second thread (a
 * Worker) does that: it sits in epoll_wait(2) on an epoll descriptor that both threads share.
 *
 *     main thread                                    poller's thread
 *     add:    epoll_ctl(ADD), no events
 *     arm:    epoll_ctl(MOD, events | ONESHOT)
 *                                                    epoll_wait returns: (slot, generation, events)
 *                                                    write them to the ring, count Head up, then Wake; notify
 *     waitAsync on Wake is done: read the ring from
 *     Tail to Head, call back each handle
 *     remove: epoll_ctl(DEL), new generation of the slot
 *     close:  Closing, eventfd                       sees it, says Stopped, ends
 *
 * Arming is one system call of the main thread and nothing else: no message, no lock, and no thread needs to be up for
 * it; what becomes ready while the second one still starts is seen by its first epoll_wait. EPOLLONESHOT makes every
 * descriptor silent after one event until it is armed again, so a descriptor that stays ready does not flood the ring:
 * there is at most one entry for each armed handle. Should the ring be full all the same, the poller's thread waits
 * until there is room.
 *
 * The table of handles is in epoll_set.ts.
 *
 * A handle is told of EPOLLERR and EPOLLHUP whatever it was armed for.
 *
 * Errors: adding, arming and removing fail only by misuse or for lack of memory, and throw. When the second thread
 * can't start or its epoll_wait fails, no event would ever come again: `onError` is told once.
 *
 * Measured on two cores (a virtual machine): arming 0.4 µs; arm, make ready, be called back, read: 10 µs in a loop, and
 * 30 to 40 µs where both processors had gone to sleep before, nearly all of it the two wake-ups in the kernel; 0 % of a
 * CPU while idle; 12 to 25 ms to start the thread, which the constructor takes once.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { EpollSet } from "./epoll_set.ts";
import { check, SystemError } from "./errors.ts";
import { libc } from "./libc.ts";
import { ENTRY_WORDS, EPOLLIN, type PollerSetup, RING_SIZE, State, STOP_SLOT, Word } from "./poller_shared.ts";

export { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from "./poller_shared.ts";

// sys/eventfd.h
const EFD_NONBLOCK_CLOEXEC = 0o2004000;

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

/** Something to add descriptors to: a {@linkcode Poller}, or a test's own. */
export interface Polling {
  /**
   * Watches `fd`; the callback is called with EPOLL flags, from the event loop and never from within a call.
   *
   * @param events what it is armed for from the beginning; nothing unless given
   */
  add(fd: number, callback: (events: number) => void, events?: number): PollHandle;
  /**
   * Must be called after leaving work to the event loop from within a callback, such as a promise that was resolved: a
   * poller that has this may go on without the loop for a while.
   */
  yield?(): void;
}

/** Options of a {@linkcode Poller}. */
export interface PollerOptions {
  /** Told once, when no event will come any more. */
  readonly onError: (error: Error) => void;
}

/** See the module's text. */
export class Poller implements Polling {
  private readonly memory = new SharedArrayBuffer((Word.Ring + RING_SIZE * ENTRY_WORDS) * 4);
  private readonly words = new Int32Array(this.memory);
  private readonly set = new EpollSet();
  private readonly wakeup: number;
  private readonly worker: Worker;
  private readonly onError: (error: Error) => void;
  private over = false;
  private closing: Promise<void> | undefined;

  /** Starts the second thread. It keeps the process alive until {@linkcode close}. */
  constructor(options: PollerOptions) {
    this.onError = options.onError;
    this.wakeup = check(libc().eventfd(0, EFD_NONBLOCK_CLOEXEC), "eventfd", "");
    this.set.addRaw(this.wakeup, EPOLLIN, STOP_SLOT);
    this.worker = new Worker(new URL("./poller_worker.ts", import.meta.url), { type: "module" });
    this.worker.onerror = (event) => {
      event.preventDefault();
      this.fail(new Error(`the poller's thread: ${event.message}`));
    };
    const setup: PollerSetup = { memory: this.memory, epoll: this.set.fd };
    this.worker.postMessage(setup);
    this.listen();
  }

  add(fd: number, callback: (events: number) => void, events?: number): PollHandle {
    return this.set.add(fd, callback, events);
  }

  /** Ends the second thread and gives back its descriptors. Handles are silent from now on. */
  close(): Promise<void> {
    return this.closing ??= this.end();
  }

  /** Calls back what there is, then waits for the next wake-up. */
  private readonly listen = (): void => {
    const { words } = this;
    const seen = Atomics.load(words, Word.Wake);
    try {
      this.drain();
    } finally { // a callback may throw; those of the others are called all the same
      this.listenAgain(Atomics.load(words, Word.Head) === words[Word.Tail] ? seen : seen - 1 | 0);
    }
  };

  private listenAgain(seen: number): void {
    if (this.over) return;
    const wait = Atomics.waitAsync(this.words, Word.Wake, seen);
    if (wait.async) wait.value.then(this.listen);
    else setImmediate(this.listen); // there is more; but others get a turn first
  }

  /** Calls back what is in the ring now; what callbacks bring about comes with the next wake-up. */
  private drain(): void {
    const { words, set } = this;
    const head = Atomics.load(words, Word.Head);
    let tail = words[Word.Tail]!;
    while (tail !== head && !this.over) {
      const at = Word.Ring + (tail & RING_SIZE - 1) * ENTRY_WORDS;
      const slot = words[at]!;
      const generation = words[at + 1]!;
      const events = words[at + 2]!;
      tail = tail + 1 | 0;
      Atomics.store(words, Word.Tail, tail); // before the callback: it may throw
      Atomics.notify(words, Word.Tail);
      set.callBack(slot, generation, events);
    }
    if (Atomics.load(words, Word.State) === State.Failed) {
      this.fail(new SystemError("epoll_wait", Atomics.load(words, Word.Errno), "the poller's descriptor"));
    }
  }

  private fail(error: Error): void {
    if (this.over) return;
    Atomics.store(this.words, Word.State, State.Failed);
    this.release();
    this.onError(error);
  }

  private async end(): Promise<void> {
    if (this.over) return;
    this.over = true;
    this.set.silence();
    const { words } = this;
    const state = Atomics.compareExchange(words, Word.State, State.Starting, State.Stopped);
    if (state === State.Running) {
      Atomics.store(words, Word.Closing, 1);
      Atomics.add(words, Word.Tail, 1); // wakes it where it waits for room in the ring
      Atomics.notify(words, Word.Tail);
      const one = new BigUint64Array(new ArrayBuffer(8)).fill(1n);
      check(libc().writeBuffer(this.wakeup, one, 8n), "write", "the poller's eventfd");
      await Atomics.waitAsync(words, Word.State, State.Running).value;
    }
    this.release();
  }

  private release(): void {
    this.over = true;
    this.worker.terminate();
    this.set.close();
    libc().close(this.wakeup);
    Atomics.add(this.words, Word.Wake, 1);
    Atomics.notify(this.words, Word.Wake); // ends the wait of `listen`
  }
}
