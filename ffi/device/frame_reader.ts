/**
 * The pump that takes frames from a device and hands them to the stack.
 *
 * It works in turns: up to `framesPerTurn` frames, then the end of the turn (where the stack sends its acknowledgements,
 * one for each connection), then everybody else's turn. The poller says when there is more, at once where there is.
 *
 *     waiting   the poller calls back     → reading
 *     reading   frames were there or not  → end of turn if there were, waiting (armed)
 *     reading   read throws               → over; onError
 *     any       stop                      → over
 *
 * A turn may also end without a read that only says that there is nothing more. In a conversation a frame comes alone, so
 * where one did, the next turn takes one frame and looks no further; every LONE_TURNS-th does, to find out when trains
 * come again. What the device has segmented is part of a train always.
 *
 * The poller may report EPOLLERR a little before read(2) says why (the interface is being deleted). As an error that
 * stays would make waiting a busy loop, the next look is then taken after a pause.
 *
 * @module
 */
import type { Frame, FramePool } from "../../stack/base/device.ts";
import type { PollHandle } from "../poll/epoll_set.ts";
import type { Polling } from "../poll/poller.ts";
import { EPOLLERR, EPOLLHUP, EPOLLIN } from "../libc/constants/poll.ts";

/** Frames of a turn: some 100 µs of work at most. */
const FRAMES_PER_TURN = 32;
/** After a frame that came alone: how many turns pass until one looks for a second frame again, that turn included. */
const LONE_TURNS = 8;
/** Between looks at a device that reports an error and does not say which. */
const ERROR_PAUSE_MS = 10;
/** The reader gives up after this many such looks in a row. */
const MAX_ERROR_LOOKS = 100;

/** A source of frames. */
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
}

/** Reads frames from a source in turns, from its construction on. */
export class FrameReader {
  private readonly source: FrameSource;
  private readonly pool: FramePool;
  private readonly receive: (frame: Frame) => void;
  private readonly endOfTurn: () => void;
  private readonly framesPerTurn: number;
  private readonly handle: PollHandle;
  private frame: Frame;
  /** Turns to come that take one frame and look no further. */
  private loneTurns = 0;
  private errorReported = false;
  private errorLooks = 0;
  private receiving = false;
  private stopped = false;
  private pause: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: FrameReaderOptions) {
    this.source = options.source;
    this.pool = options.pool;
    this.receive = options.receive;
    this.endOfTurn = options.endOfTurn;
    this.framesPerTurn = options.framesPerTurn ?? FRAMES_PER_TURN;
    this.handle = options.poller.add(options.fd, this.ready, EPOLLIN);
    this.frame = this.pool.take();
  }

  /** Reads no more. Must be called before the source's descriptor is closed. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    clearTimeout(this.pause);
    this.handle.remove();
    if (!this.receiving) this.pool.release(this.frame);
  }

  private readonly turn = (): void => {
    if (this.readFrames() > 0) {
      this.errorReported = false;
      this.errorLooks = 0;
      this.endOfTurn();
    }
    if (this.stopped) return;
    if (this.errorReported) this.lookLater();
    else this.handle.arm(EPOLLIN);
  };

  private readonly ready = (events: number): void => {
    this.errorReported = (events & (EPOLLERR | EPOLLHUP)) !== 0;
    this.turn();
  };

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
    else this.loneTurns = LONE_TURNS - 1;
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
