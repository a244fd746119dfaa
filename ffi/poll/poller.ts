/**
 * Reports when raw file descriptors are ready, which the runtime can't. While there is traffic, turns of the event loop
 * ask the kernel. While there is none, another thread waits (sleeper.ts), so that an idle program costs nothing.
 *
 * Waking up through another thread costs two wake-ups in the kernel for every answer of a host: 10 µs at best, and 30
 * to 40 µs if processors had gone to sleep. Traffic comes in bursts: after an event the next is usually near. Hence the
 * states:
 *
 *     idle      the other thread waits for the epoll descriptor, which is readable when any watched descriptor is ready
 *     idle      it is readable                → active
 *     active    a turn of the event loop: wait in the kernel, call back, and again, up to WAITS_PER_TURN times and for
 *               TURN_MS
 *     active    nothing within WAIT_US        → the turn is over, and idle
 *
 * A wait is that long, although answers come within 100 µs, because of its timer. A timer that is the processor's next
 * one must be set and cancelled in the hardware with every wait, which took a tenth of a round trip in a virtual
 * machine.
 *
 * A turn of the event loop costs some 10 µs and three system calls, so a burst of packets is handled within one. Work
 * that callbacks leave to the event loop (promises, setImmediate), which the kernel knows nothing of, would have to
 * wait for the end of the turn. A callback that leaves such work calls {@linkcode Poller.yield}, and the turn ends at
 * once. Work that fits between two waits goes to {@linkcode Poller.defer}. Timers and signals may be late by the length
 * of a turn, TURN_MS and one wait at most.
 *
 * The runtime's own sockets can't end a turn's wait, so an answer on one of them would be late by up to a turn. If
 * there are such sockets, turns only poll (`waitMicroseconds` is 0), and the poller is idle after LOOKING_TURNS without
 * an event.
 *
 * A handle is called back once for each arming, and not after its removal. EPOLLERR and EPOLLHUP are always reported.
 * Arming for the same events again costs no system call (epoll_set.ts). A handle that was added with EPOLLET is called
 * back at every change instead.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { EpollSet, EVENT_DATA, EVENT_EVENTS, EVENT_WORDS, type PollHandle } from "./epoll_set.ts";
import { EINTR, ENOSYS, SystemError } from "../libc/errors.ts";
import { errno, type Libc, libc } from "../libc/libc.ts";
import { MachineBlock } from "../libc/memory.ts";
import { Sleeper } from "./sleeper.ts";

/** The most events of one system call. */
const BATCH = 64;
/** The time that a turn waits for the next event, in µs: nearly the longest of the kernel's ticks (CONFIG_HZ). */
const WAIT_US = 4000;
/** The most waits of one turn, each with a batch of events. */
const WAITS_PER_TURN = 32;
/** The time after which a turn does not wait again, in ms. */
const TURN_MS = 2;
/** Turns without an event before the poller is idle. */
const QUIET_TURNS = 0;
/** The same if turns only poll, because the runtime has sockets of its own, or the kernel counts in milliseconds. */
const LOOKING_TURNS = 5;

/** The interface to add descriptors to: a {@linkcode Poller}, or a test's replacement. */
export interface Polling {
  /**
   * Watches `fd`; the callback is called with EPOLL flags, from the event loop and never from within a call.
   *
   * @param events the events that it is armed for from the start; none by default. With EPOLLET, it is called at each
   *   change of these without being armed, and for the state at the start
   */
  add(fd: number, callback: (events: number) => void, events?: number): PollHandle;
  /**
   * Must be called when a callback leaves work to the event loop, such as a resolved promise: a poller that has this
   * method may run for a while without returning to the loop.
   */
  yield?(): void;
}

/** Options of a {@linkcode Poller}. */
export interface PollerOptions {
  /** Called once, when the poller has failed and no event will come any more. */
  readonly onError: (error: Error) => void;
  /** The time that a turn waits for the next event; WAIT_US by default; 0: turns only poll. */
  readonly waitMicroseconds?: number;
  /** Turns without an event before the poller is idle; QUIET_TURNS by default. */
  readonly quietTurns?: number;
}

/** Watches descriptors and calls back when one is ready. Also runs deferred work, and tells the time. */
export class Poller implements Polling {
  private readonly libc: Libc = libc();
  private readonly set = new EpollSet();
  private readonly sleeper: Sleeper;
  /** The events of this turn. Those from `next` to `count` are still to be reported. */
  private readonly eventBlock = new MachineBlock(BATCH * EVENT_WORDS * 4);
  private readonly events = new Int32Array(this.eventBlock.bytes.buffer);
  private readonly eventsPointer = this.eventBlock.pointerAt(0);
  private next = 0;
  private count = 0;
  /** `struct timespec`: seconds and nanoseconds, 64 bits each. */
  private readonly timeout = new MachineBlock(16);
  private readonly timeoutPointer: Deno.PointerObject = this.timeout.pointerAt(0);
  private canWait: boolean;
  private readonly quietTurns: number;
  private quiet = 0;
  /** The time at which the present events were read; -1 between turns. */
  private time = -1;
  private yielding = false;
  private deferred: (() => void)[] = [];
  private resting: (() => void)[] = [];
  private rested: (() => void) | null = null;
  private begun = false;
  /** Whether a turn is running or scheduled. */
  private active = false;
  private closed = false;
  private readonly onError: (error: Error) => void;

  /** Handles can be added, and work deferred, at once; nothing is called before {@linkcode begin}. */
  constructor(options: PollerOptions) {
    this.onError = options.onError;
    new BigInt64Array(this.timeout.bytes.buffer)[1] = BigInt((options.waitMicroseconds ?? WAIT_US) * 1000);
    this.canWait = this.libc.epoll_pwait2 !== null && options.waitMicroseconds !== 0;
    this.quietTurns = options.quietTurns ?? QUIET_TURNS;
    this.sleeper = new Sleeper(this.set.fd, () => this.rouse());
  }

  /** Calls back from the next turn of the event loop on. Keeps the process alive until {@linkcode close}. */
  begin(): void {
    this.begun = true;
    this.rouse();
  }

  add(fd: number, callback: (events: number) => void, events?: number): PollHandle {
    return this.set.add(fd, callback, events);
  }

  /**
   * The time in ms, as by `performance.now()`. Within a callback it is the time at which its events were read: the
   * clock is read several times for each packet, which would take a tenth of the program's time.
   */
  now(): number {
    return this.time >= 0 ? this.time : performance.now();
  }

  /** Ends the turn after the present events, because a callback has left work to the event loop. */
  yield(): void {
    this.yielding = true;
  }

  /** Calls `run` after the present events or, if there are none, in a turn of its own. */
  defer(run: () => void): void {
    this.deferred.push(run);
    this.rouse();
  }

  /**
   * Calls `run` once, as soon as there is no event and no deferred work, just before the poller waits. It is not called
   * while events keep coming.
   */
  atRest(run: () => void): void {
    this.resting.push(run);
    this.rouse();
  }

  /** Calls `rested` from now on whenever the poller becomes idle. */
  onRest(rested: () => void): void {
    this.rested = rested;
  }

  /** Closes its descriptors. No handle is called any more. */
  async close(): Promise<void> {
    this.closed = true;
    this.set.silence();
    await this.sleeper.close();
    this.set.close();
  }

  private rouse(): void {
    if (this.active || this.closed || !this.begun) return;
    this.active = true;
    this.quiet = 0;
    setImmediate(this.turn);
  }

  private readonly turn = (): void => {
    if (this.closed) return;
    let thrown = true; // if a callback throws, the next turn goes on with the event after it
    try {
      this.yielding = false;
      const end = performance.now() + TURN_MS;
      for (let waits = 0; waits < WAITS_PER_TURN && !this.yielding; waits++) {
        if (!this.pass() || this.closed || this.time > end) break;
      }
      thrown = false;
    } finally {
      this.time = -1;
      if (thrown || this.quiet <= (this.canWait ? this.quietTurns : LOOKING_TURNS)) setImmediate(this.turn);
      else this.rest();
    }
  };

  private rest(): void {
    this.active = false;
    this.sleeper.sleep();
    this.rested?.();
  }

  /** Waits, calls back, and runs deferred work. Returns false if there was nothing to do. */
  private pass(): boolean {
    if (this.next === this.count) {
      this.next = 0;
      this.count = this.wait();
    }
    this.time = performance.now();
    const something = this.count > 0 || this.deferred.length > 0;
    this.quiet = something ? 0 : this.quiet + 1;
    this.callBack();
    this.runDeferred();
    return something;
  }

  /** The number of events now or after a wait. */
  private wait(): number {
    if (this.resting.length > 0) {
      const count = this.look(); // one more system call, only for `atRest`
      if (count > 0 || this.deferred.length > 0) return count;
      for (const run of this.resting.splice(0)) run();
    }
    if (!this.canWait || this.deferred.length > 0) return this.look();
    return this.counted(this.libc.epoll_pwait2!(this.set.fd, this.eventsPointer, BATCH, this.timeoutPointer, null));
  }

  /** The number of events now. */
  private look(): number {
    return this.counted(this.libc.epoll_wait(this.set.fd, this.eventsPointer, BATCH, 0));
  }

  /** The result of a system call; 0 for one that failed, after its failure is handled. */
  private counted(count: number): number {
    if (count >= 0) return count;
    const reason = errno();
    if (reason === ENOSYS) this.canWait = false; // before Linux 5.11
    else if (reason !== EINTR) this.fail(reason);
    return 0;
  }

  private fail(reason: number): void {
    this.close();
    this.onError(new SystemError("epoll_wait", reason, "the poller's descriptor"));
  }

  private callBack(): void {
    const { events, set } = this;
    while (this.next < this.count && !this.closed) {
      const at = this.next++ * EVENT_WORDS;
      set.callBack(events[at + EVENT_DATA], events[at + EVENT_DATA + 1], events[at + EVENT_EVENTS]);
    }
  }

  private runDeferred(): void {
    if (this.deferred.length === 0) return;
    const count = this.deferred.length; // work that is deferred meanwhile runs the next time
    let done = 0;
    try {
      while (done < count) this.deferred[done++]();
    } finally { // one may throw
      this.deferred.splice(0, done);
    }
  }
}
