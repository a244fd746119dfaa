/**
 * Reads frames from a device and passes them to the stack.
 *
 * It works in turns: up to `framesPerTurn` frames, then the end of the turn (where the stack sends its
 * acknowledgements, one for each connection), then other work. If there are more frames, the poller starts the next
 * turn at once.
 *
 *     waiting   the poller calls back     → reading
 *     reading   no more frames            → end of turn if there were any, waiting (armed)
 *     reading   read throws               → stopped; onError
 *     any       stop                      → stopped
 *
 * A turn may also end without a last read that only reports that there are no more frames. When packets go back and
 * forth, frames come one by one. So after a turn with a single frame, the next turns read one frame only; each
 * LONE_TURNS-th turn looks for a second one, to notice when trains of frames come again. A frame that the device has
 * segmented always counts as part of a train.
 *
 * The poller may report EPOLLERR a little before read(2) returns the reason (the interface is being deleted). Because
 * waiting would be a busy loop while the error lasts, the reader then pauses before the next attempt.
 *
 * @module
 */
import type { Frame, FramePool } from "../../stack/base/device.ts";
import type { PollHandle } from "../poll/epoll_set.ts";
import type { Polling } from "../poll/poller.ts";
import { EPOLLERR, EPOLLHUP, EPOLLIN } from "../libc/constants/poll.ts";

/** The most frames of a turn: some 100 µs of work. */
const FRAMES_PER_TURN = 32;
/** After a frame that came alone, each turn of this number looks for a second frame. */
const LONE_TURNS = 8;
/** The pause between reads of a device that reports an error without a reason. */
const ERROR_PAUSE_MS = 10;
/** The reader fails after this many such reads in a row. */
const MAX_ERROR_LOOKS = 100;

/** A source of frames. */
export interface FrameSource {
  /** Reads a frame. Returns false if there is none now. Throws when there will be no more frames. */
  read(frame: Frame): boolean;
}

/** Options of a {@linkcode FrameReader}. */
export interface FrameReaderOptions {
  readonly source: FrameSource;
  /** The source's descriptor. */
  readonly fd: number;
  readonly poller: Polling;
  /** The pool that frames are taken from. The holder of a held frame returns it there. */
  readonly pool: FramePool;
  /** Called with each frame. The frame is used again after the call, unless `held` is set. */
  readonly receive: (frame: Frame) => void;
  /** Called at the end of a turn with frames. */
  readonly endOfTurn: () => void;
  /** Called when the source has failed and the reader has stopped. */
  readonly onError: (error: Error) => void;
  /** The most frames of a turn; FRAMES_PER_TURN by default. */
  readonly framesPerTurn?: number;
}

/** Reads frames from a source in turns. Starts when it is constructed. */
export class FrameReader {
  private readonly source: FrameSource;
  private readonly pool: FramePool;
  private readonly receive: (frame: Frame) => void;
  private readonly endOfTurn: () => void;
  private readonly framesPerTurn: number;
  private readonly handle: PollHandle;
  private frame: Frame;
  /** The number of coming turns that read one frame only. */
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

  /** Stops reading. Must be called before the source's descriptor is closed. */
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
    if (this.errorReported) this.readLater();
    else this.handle.arm(EPOLLIN);
  };

  private readonly ready = (events: number): void => {
    this.errorReported = (events & (EPOLLERR | EPOLLHUP)) !== 0;
    this.turn();
  };

  private readLater(): void {
    this.errorReported = false;
    if (++this.errorLooks > MAX_ERROR_LOOKS) {
      this.fail(new Error("the device reports an error (EPOLLERR) but does not say which"));
    } else {
      this.pause = setTimeout(this.turn, ERROR_PAUSE_MS);
    }
  }

  /** Reads the frames of one turn. Returns their number; 0 if the reader was stopped. */
  private readFrames(): number {
    let count = 0;
    let most = this.loneTurns > 0 ? 1 : this.framesPerTurn;
    while (count < most && !this.stopped && this.readFrame()) {
      count++;
      if (this.frame.segmentSize > 0) most = this.framesPerTurn;
      this.passOn(this.frame);
    }
    if (count !== 1) this.loneTurns = 0;
    else if (this.loneTurns > 0) this.loneTurns--;
    else this.loneTurns = LONE_TURNS - 1;
    return this.stopped ? 0 : count;
  }

  private passOn(frame: Frame): void {
    this.receiving = true;
    this.receive(frame);
    this.receiving = false;
    if (this.stopped) { // from within `receive`
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
