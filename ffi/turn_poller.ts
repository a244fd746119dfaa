/**
 * Readiness of raw file descriptors with short ways: while there is traffic, the event loop's own turns ask the kernel,
 * and only while there is none, the second thread of poller.ts waits.
 *
 * A wake-up through the second thread costs two wake-ups in the kernel, 10 µs at best and 30 to 40 µs where processors
 * had gone to sleep, for every answer of a host. Traffic comes in conversations: after an event the next is near. So
 *
 *     idle      the second thread waits for our epoll descriptor, which is readable when anything on it is ready
 *     idle      it is readable                → active
 *     active    a turn of the event loop: epoll_wait, call back; then the others' turn
 *     active    nothing in the last turn      → this turn waits in the kernel, for WAIT_US at most
 *     active    nothing for QUIET_TURNS       → idle: armed again in the second thread
 *
 * Waiting in the kernel stops everything else in the process, so it is short, and there is a turn for the others
 * between any two. Who has left work in the event loop (setImmediate), which the kernel knows nothing of, says so by
 * {@linkcode TurnPoller.stay}: the next turn does not wait then.
 *
 * It is for a program whose sockets are all on it: the runtime's own sockets have no say in how long a turn waits, and
 * an answer to one of those takes up to 2 ms.
 *
 * Measured on two cores (a virtual machine), a byte to a server on loopback and back over a LibcStream, median: 18 µs, as
 * with the runtime's own sockets, against 32 µs by way of poller.ts; connecting, that, and closing: 100 µs against 180.
 *
 * Descriptors are armed, called back and removed as in poller.ts: once for each arming, told of EPOLLERR and EPOLLHUP
 * whatever they were armed for, silent after their removal.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { EpollSet } from "./epoll_set.ts";
import { EINTR, ENOSYS, SystemError } from "./errors.ts";
import { errno, type Libc, libc } from "./libc.ts";
import { MachineBlock } from "./memory.ts";
import { EPOLLIN, Poller, type PollerOptions, type PollHandle, type Polling } from "./poller.ts";
import { EVENT_DATA, EVENT_EVENTS, EVENT_WORDS } from "./poller_shared.ts";

/** Events of a turn. */
const BATCH = 64;
/** How long a turn waits at most, in µs: what a timer or a signal may come late by while there is traffic. */
const WAIT_US = 100;
/** Turns without an event after which it is idle: with the waits, 1 to 2 ms. */
const QUIET_TURNS = 10;
/** The same where the kernel can't wait for less than a millisecond, and so turns only look. */
const LOOKING_TURNS = 5;

/** Options of a {@linkcode TurnPoller}. */
export interface TurnPollerOptions extends PollerOptions {
  /** See WAIT_US. */
  readonly waitMicroseconds?: number;
  /** See QUIET_TURNS. */
  readonly quietTurns?: number;
}

/** See the module's text. */
export class TurnPoller implements Polling {
  private readonly libc: Libc = libc();
  private readonly set = new EpollSet();
  private readonly sleeper: Poller;
  private readonly sleep: PollHandle;
  /** Events of this turn: those from `next` to `count` are still to be told. */
  private readonly events = new Int32Array(new ArrayBuffer(BATCH * EVENT_WORDS * 4));
  private next = 0;
  private count = 0;
  /** `struct timespec`: seconds and nanoseconds, 64 bits each. */
  private readonly timeout = new MachineBlock(16);
  private readonly timeoutPointer: Deno.PointerObject = this.timeout.pointerAt(0);
  private canWait: boolean;
  private readonly quietTurns: number;
  private quiet = 0;
  private closed = false;

  /** Starts the second thread. It keeps the process alive until {@linkcode close}. */
  constructor(options: TurnPollerOptions) {
    new BigInt64Array(this.timeout.bytes.buffer)[1] = BigInt((options.waitMicroseconds ?? WAIT_US) * 1000);
    this.canWait = this.libc.epoll_pwait2 !== null && options.waitMicroseconds !== 0;
    this.quietTurns = options.quietTurns ?? QUIET_TURNS;
    this.sleeper = new Poller(options);
    this.sleep = this.sleeper.add(this.set.fd, this.woken);
    this.sleep.arm(EPOLLIN);
  }

  add(fd: number, callback: (events: number) => void): PollHandle {
    return this.set.add(fd, callback);
  }

  /** Has the next turn not wait: somebody has left work in the event loop. */
  stay(): void {
    this.quiet = 0;
  }

  /** Ends the second thread and gives back its descriptors. Handles are silent from now on. */
  async close(): Promise<void> {
    if (!this.closed) {
      this.closed = true;
      this.sleep.remove();
      this.set.close();
    }
    await this.sleeper.close();
  }

  private readonly woken = (): void => {
    this.quiet = 0;
    this.turn();
  };

  private readonly turn = (): void => {
    if (this.closed) return;
    if (this.next === this.count) {
      this.next = 0;
      this.count = this.wait();
      if (this.count > 0) this.quiet = 0;
      else if (++this.quiet > (this.canWait ? this.quietTurns : LOOKING_TURNS)) return this.sleep.arm(EPOLLIN);
    }
    setImmediate(this.turn); // before the callbacks, as one may throw; the next turn goes on behind it
    this.callBack();
  };

  /** The number of events that there are now, or after a while. */
  private wait(): number {
    const { events } = this;
    const epoll = this.set.fd;
    const count = this.canWait && this.quiet > 0
      ? this.libc.epoll_pwait2!(epoll, events, BATCH, this.timeoutPointer, null)
      : this.libc.epoll_wait(epoll, events, BATCH, 0);
    if (count >= 0) return count;
    const reason = errno();
    if (reason === ENOSYS) this.canWait = false; // before Linux 5.11
    else if (reason !== EINTR) throw new SystemError("epoll_wait", reason, "the poller's descriptor");
    return 0;
  }

  private callBack(): void {
    const { events, set } = this;
    while (this.next < this.count && !this.closed) {
      const at = this.next++ * EVENT_WORDS;
      set.callBack(events[at + EVENT_DATA]!, events[at + EVENT_DATA + 1]!, events[at + EVENT_EVENTS]!);
    }
  }
}
