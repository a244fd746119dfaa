import { FrameReader, type FrameReaderOptions } from "../../../ffi/device/frame_reader.ts";
import type { PollHandle } from "../../../ffi/poll/epoll_set.ts";
import type { Polling } from "../../../ffi/poll/poller.ts";
import { allocatePlain, type Frame, FramePool } from "../../../stack/base/device.ts";
import { assertEquals } from "../../assert.ts";
import { delay } from "../../../scripts/lab/timing.ts";
import { EPOLLERR, EPOLLIN } from "../../../ffi/libc/constants/poll.ts";

/** A source of numbered frames, the poller it is registered with, and what the reader did with both. */
class Bed implements Polling {
  readonly pool = new FramePool(allocatePlain);
  readonly log: string[] = [];
  reader: FrameReader;
  /** The number of frames that can be read. */
  available = 0;
  segmentSize = 0;
  failure: Error | undefined;
  hold = false;
  held: Frame[] = [];
  onFrame = (_number: number): unknown => undefined;
  reads = 0;
  private count = 0;
  private callback = (_events: number): void => {};
  private armed = Promise.withResolvers<void>();

  constructor(options: Partial<FrameReaderOptions> = {}) {
    this.reader = new FrameReader({
      source: { read: (frame) => this.read(frame) },
      fd: 5,
      poller: this,
      pool: this.pool,
      receive: (frame) => {
        this.log.push(`frame ${frame.bytes[frame.start]}`);
        if (this.hold) {
          frame.held = true;
          this.held.push(frame);
        }
        this.onFrame(frame.bytes[frame.start]);
      },
      endOfTurn: () => this.log.push("end of turn"),
      onError: (error) => this.log.push(error.message),
      ...options,
    });
  }

  add(fd: number, callback: (events: number) => void, events?: number): PollHandle {
    assertEquals(fd, 5);
    this.log.push(`armed ${events}`);
    this.callback = callback;
    return {
      arm: (events) => {
        this.log.push(`arm ${events}`);
        this.armed.resolve();
        this.armed = Promise.withResolvers<void>();
      },
      remove: () => this.log.push("remove"),
    };
  }

  /** Resolves when the reader next waits. */
  get waiting(): Promise<void> {
    return this.armed.promise;
  }

  wake(events: number): void {
    this.callback(events);
  }

  takeLog(): string[] {
    return this.log.splice(0);
  }

  private read(frame: Frame): boolean {
    this.reads++;
    if (this.failure !== undefined) throw this.failure;
    if (this.available === 0) return false;
    this.available--;
    frame.bytes[frame.start] = this.count++;
    frame.segmentSize = this.segmentSize;
    return true;
  }
}

Deno.test("frames are read in turns, and the poller is armed after each", () => {
  const bed = new Bed({ framesPerTurn: 2 });
  assertEquals({ log: bed.takeLog(), reads: bed.reads }, { log: ["armed 1"], reads: 0 });
  bed.wake(EPOLLIN);
  assertEquals({ log: bed.takeLog(), reads: bed.reads }, { log: ["arm 1"], reads: 1 });
  bed.available = 3;
  bed.wake(EPOLLIN);
  assertEquals(bed.takeLog(), ["frame 0", "frame 1", "end of turn", "arm 1"]);
  bed.wake(EPOLLIN);
  assertEquals(bed.takeLog(), ["frame 2", "end of turn", "arm 1"]);
  bed.available = 1;
  bed.onFrame = () => bed.reader.stop();
  bed.wake(EPOLLIN);
  assertEquals(bed.takeLog(), ["frame 3", "remove"]);
  bed.reader.stop(); // a second stop does nothing
  assertEquals(bed.takeLog(), []);
  assertEquals(bed.pool.taken, 0);
});

Deno.test("when frames come singly, most turns don't try to read a second one", () => {
  const bed = new Bed({ framesPerTurn: 8 });
  const readsOf = (frames: number): number => {
    const before = bed.reads;
    bed.available += frames;
    bed.wake(EPOLLIN);
    return bed.reads - before;
  };
  assertEquals(Array.from({ length: 17 }, () => readsOf(1)), [2, ...Array(7).fill(1), 2, ...Array(7).fill(1), 2]);
  // a train begins: it is detected within eight turns, and read whole from then on
  const turns = Array.from({ length: 8 }, () => readsOf(4));
  assertEquals(turns, [...Array(7).fill(1), 8]);
  assertEquals(bed.available, 7 * 3 - 4);
  assertEquals([readsOf(0), readsOf(0)], [8, 8]);
  assertEquals([readsOf(0), readsOf(1), readsOf(1)], [2, 1, 1]); // its last frame came alone
  bed.segmentSize = 1460; // part of a train, whatever came before
  assertEquals(readsOf(3), 4);
  bed.reader.stop();
});

Deno.test("a held frame is not reused", () => {
  const bed = new Bed();
  bed.hold = true;
  bed.available = 3;
  bed.wake(EPOLLIN);
  assertEquals(bed.held.map((frame) => frame.bytes[frame.start]), [0, 1, 2]);
  assertEquals(bed.pool.taken, 4);
  bed.hold = false;
  bed.available = 2;
  bed.wake(EPOLLIN);
  assertEquals(bed.held.map((frame) => frame.bytes[frame.start]), [0, 1, 2]);
  assertEquals(bed.pool.taken, 4);
  for (const frame of bed.held) bed.pool.release(frame);
  bed.reader.stop();
  assertEquals(bed.pool.taken, 0);
});

Deno.test("stopping from within, with the frame held or not", () => {
  for (const hold of [true, false]) {
    const bed = new Bed();
    bed.hold = hold;
    bed.available = 5;
    bed.onFrame = (number) => number === 1 && bed.reader.stop();
    bed.takeLog();
    bed.wake(EPOLLIN);
    assertEquals(bed.available, 3);
    assertEquals(bed.takeLog(), ["frame 0", "frame 1", "remove"]);
    for (const frame of bed.held) bed.pool.release(frame);
    assertEquals(bed.pool.taken, 0);
  }
});

Deno.test("a failed source is reported once, and stops the reader", async () => {
  const bed = new Bed();
  bed.takeLog();
  bed.failure = new Error("gone");
  bed.wake(EPOLLERR);
  assertEquals(bed.takeLog(), ["remove", "gone"]);
  await delay(20);
  assertEquals(bed.takeLog(), []);
  assertEquals(bed.pool.taken, 0);
});

Deno.test("an error that read does not report is waited for without a busy loop", async () => {
  const bed = new Bed();
  bed.wake(EPOLLERR);
  await bed.waiting; // after a pause
  assertEquals(bed.reads, 2);
  bed.failure = new Error("gone");
  bed.takeLog();
  bed.wake(EPOLLERR);
  assertEquals(bed.takeLog(), ["remove", "gone"]);
});

Deno.test("an error that read never reports stops the reader in the end", async () => {
  const over = Promise.withResolvers<Error>();
  const bed = new Bed({ onError: over.resolve });
  let waits = 0;
  bed.wake(EPOLLERR);
  for (;;) {
    const error = await Promise.race([bed.waiting, over.promise]);
    if (error !== undefined) {
      assertEquals(error.message.includes("EPOLLERR"), true);
      break;
    }
    waits++;
    bed.wake(EPOLLERR);
  }
  assertEquals(waits > 50, true);
  assertEquals(bed.pool.taken, 0);
});
