/**
 * The pump that takes frames from a device and hands them to the stack.
 *
 * It works in turns of the event loop: up to `framesPerTurn` frames, then the end of the turn (where the stack sends
 * its acknowledgements, one for each connection), then everybody else's turn. Frames tend to come in trains, and a
 * wake-up costs more than a look, so after a turn with nothing to read it looks again in the next `spinTurns` turns,
 * about 1 µs each, before it arms the poller and sleeps. More turns were measured to be worse: on two cores they take
 * the other one's time from the program that the answer comes from.
 *
 *     reading   a frame was there         → end of turn, reading
 *     reading   nothing                   → spinning
 *     spinning  a frame was there         → end of turn, reading
 *     spinning  nothing, for `spinTurns`  → waiting (armed)
 *     waiting   the poller calls back     → reading
 *     any       read throws               → over; onError
 *     any       stop                      → over
 *
 * With no `spinTurns` at all it arms the poller after every turn, as is best where the poller itself looks in every turn
 * (turn_poller.ts): frames that are left are reported at once. Then a turn may also end without a read that only says
 * that there is nothing more. In a conversation a frame comes alone, so where one did, the next turn takes one frame and
 * looks no further; every LONE_TURNS-th does, to find out when trains come again. What the device has segmented is part of
 * a train always.
 *
 * The poller may report EPOLLERR a little before read(2) says why (the interface is being deleted). As an error that
 * stays would make waiting a busy loop, the next look is then taken after a pause.
 *
 * @module
 */
import { clearImmediate, setImmediate } from "node:timers";
import type { Frame, FramePool } from "../stack/device.ts";
import { EPOLLERR, EPOLLHUP, EPOLLIN, type PollHandle, type Polling } from "./poller.ts";

/** Frames of a turn: some 100 µs of work at most. */
const FRAMES_PER_TURN = 32;
/** See the module's text. */
const SPIN_TURNS = 5;
/** See the module's text. */
const LONE_TURNS = 8;
/** Between looks at a device that reports an error and does not say which. */
const ERROR_PAUSE_MS = 10;
/** After so many of those looks in a row, it is over. */
const MAX_ERROR_LOOKS = 100;

/** What frames are read from. */
export interface FrameSource {
  /** Fills the frame; false: there is none now. Throws when there will be none any more. */
  read(frame: Frame): boolean;
}

/** Options of a {@linkcode FrameReader}. */
export interface FrameReaderOptions {
  readonly source: FrameSource;
  /** The source's descriptor. */
  readonly fd: number;
  readonly poller: Polling;
  /** Where frames are taken from; a frame that was held goes back there by its holder. */
  readonly pool: FramePool;
  /** A frame arrived. It is read into again after the call, unless `held` was set. */
  readonly receive: (frame: Frame) => void;
  /** No more frames in this turn; called only after a turn with frames. */
  readonly endOfTurn: () => void;
  /** The source is gone, and the reader has stopped. */
  readonly onError: (error: Error) => void;
  /** Frames before others get a turn. */
  readonly framesPerTurn?: number;
  /** Turns without a frame before it waits; 0: it waits after every turn. */
  readonly spinTurns?: number;
}

/** See the module's text. Starts at once. */
export class FrameReader {
  private readonly source: FrameSource;
  private readonly pool: FramePool;
  private readonly receive: (frame: Frame) => void;
  private readonly endOfTurn: () => void;
  private readonly framesPerTurn: number;
  private readonly spinTurns: number;
  private readonly handle: PollHandle;
  private frame: Frame;
  private emptyTurns = 0;
  /** Turns to come that take one frame and look no further. */
  private loneTurns = 0;
  private errorReported = false;
  private errorLooks = 0;
  private receiving = false;
  private stopped = false;
  private immediate: ReturnType<typeof setImmediate> | undefined;
  private pause: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: FrameReaderOptions) {
    this.source = options.source;
    this.pool = options.pool;
    this.receive = options.receive;
    this.endOfTurn = options.endOfTurn;
    this.framesPerTurn = options.framesPerTurn ?? FRAMES_PER_TURN;
    this.spinTurns = options.spinTurns ?? SPIN_TURNS;
    this.handle = options.poller.add(options.fd, this.ready);
    this.frame = this.pool.take();
    this.again();
  }

  /** Reads no more. Must be called before the source's descriptor is closed. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    clearImmediate(this.immediate);
    clearTimeout(this.pause);
    this.handle.remove();
    if (!this.receiving) this.pool.release(this.frame);
  }

  private readonly turn = (): void => {
    if (this.readFrames() > 0) {
      this.emptyTurns = 0;
      this.errorReported = false;
      this.errorLooks = 0;
      this.endOfTurn();
      if (this.spinTurns > 0) this.again();
      else if (!this.stopped) this.handle.arm(EPOLLIN);
    } else if (this.stopped) {
      return;
    } else if (++this.emptyTurns <= this.spinTurns) {
      this.again();
    } else if (this.errorReported) {
      this.lookLater();
    } else {
      this.handle.arm(EPOLLIN);
    }
  };

  private readonly ready = (events: number): void => {
    this.emptyTurns = 0;
    this.errorReported = (events & (EPOLLERR | EPOLLHUP)) !== 0;
    this.turn();
  };

  private again(): void {
    if (!this.stopped) this.immediate = setImmediate(this.turn);
  }

  private lookLater(): void {
    this.errorReported = false;
    if (++this.errorLooks > MAX_ERROR_LOOKS) {
      this.fail(new Error("the device reports an error (EPOLLERR) but does not say which"));
    } else {
      this.pause = setTimeout(this.turn, ERROR_PAUSE_MS);
    }
  }

  /** The number of frames of one turn; 0 where the reader was stopped. */
  private readFrames(): number {
    let count = 0;
    let most = this.loneTurns > 0 ? 1 : this.framesPerTurn;
    while (count < most && !this.stopped && this.readFrame()) {
      count++;
      if (this.frame.segmentSize > 0) most = this.framesPerTurn;
      this.handOver(this.frame);
    }
    if (count !== 1) this.loneTurns = 0;
    else if (this.loneTurns > 0) this.loneTurns--;
    else if (this.spinTurns === 0) this.loneTurns = LONE_TURNS - 1;
    return this.stopped ? 0 : count;
  }

  private handOver(frame: Frame): void {
    this.receiving = true;
    this.receive(frame);
    this.receiving = false;
    if (this.stopped) { // from within
      if (!frame.held) this.pool.release(frame);
    } else if (frame.held) {
      this.frame = this.pool.take();
    }
  }

  private readFrame(): boolean {
    try {
      return this.source.read(this.frame);
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
      return false;
    }
  }

  private fail(error: Error): void {
    this.stop();
    this.options.onError(error);
  }
}
