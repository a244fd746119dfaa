import { assert, assertEquals, assertFields } from "../../../assert.ts";
import { allocatePlain, FramePool } from "../../../../stack/base/device.ts";
import { BufferMemory, BULK_BLOCK } from "../../../../stack/tcp/buffers/memory.ts";
import { type SegmentOutput, Sender } from "../../../../stack/tcp/sending/sender.ts";
import { seqAdd, seqDiff } from "../../../../stack/tcp/numbers/sequence.ts";

const MSS = 1000;

/** A sender whose segments are only recorded. */
class Bench implements SegmentOutput {
  readonly sender: Sender;
  readonly sent: { sequence: number; offset: number; length: number; fin: boolean }[] = [];
  readonly memory = new BufferMemory(allocatePlain, new FramePool(allocatePlain), 2 ** 40);
  now = 0;

  constructor(iss: number, sack: boolean, readonly maxSegment = MSS) {
    this.sender = new Sender(iss, MSS, sack, this.memory, this);
    this.sender.synSent(0);
    this.sender.establish(MSS, sack, 2 ** 24, 0, 0);
  }

  sendData(_sender: Sender, sequence: number, offset: number, length: number, fin: boolean): number {
    assert(Number.isInteger(length) && length <= this.maxSegment, `a segment of ${length} bytes`);
    assert(offset >= 0 && offset + length <= this.sender.buffer.length);
    this.sent.push({ sequence, offset, length, fin });
    return length;
  }

  /** Queues this many bytes of any content. */
  write(length: number): void {
    while (length > 0) {
      const count = this.sender.buffer.reserve(Math.min(length, BULK_BLOCK)).length;
      this.sender.buffer.commit(count);
      length -= count;
    }
    this.sender.output(this.now);
  }

  /** Acknowledges up to `sequence`, with SACK blocks. */
  ack(sequence: number, ...blocks: [number, number][]): void {
    let news = false;
    for (const [left, right] of blocks) if (this.sender.scoreboard.add(left, right)) news = true;
    this.sender.acknowledge(sequence, 0, 2 ** 24, -1, news, true, this.now);
    this.sender.output(this.now);
  }

  take(): (readonly [number, number])[] {
    return this.sent.splice(0).map(({ sequence, length }) => [seqDiff(sequence, this.sender.iss) - 1, length] as const);
  }
}

Deno.test("a stream continues when its sequence numbers pass the initial one after 4 GiB", () => {
  const bench = new Bench(12_345, true, BULK_BLOCK);
  const { sender } = bench;
  for (let left = 2 ** 32 - 1; left > 0;) {
    const count = Math.min(left, 8 * BULK_BLOCK);
    bench.write(count);
    while (sender.buffer.length > 0) bench.ack(sender.max);
    bench.sent.length = 0;
    left -= count;
  }
  assertEquals(sender.una, sender.iss);
  bench.write(10);
  assertEquals(bench.sent, [{ sequence: sender.iss, offset: 0, length: 10, fin: false }]);
  assert(sender.deadline < Infinity);
  bench.ack(seqAdd(sender.iss, 10));
  assertEquals(sender.buffer.length, 0, "buffer length");
  assertEquals(sender.una, seqAdd(sender.iss, 10), "SND.UNA");
});

for (const gigabytes of [0, 1, 2, 3]) {
  Deno.test(`a first loss after ${gigabytes} GiB is detected by duplicate acknowledgments`, () => {
    for (const sack of [false, true]) {
      const bench = new Bench(-5, sack, BULK_BLOCK);
      const { sender } = bench;
      for (let left = gigabytes * 2 ** 30 + 5000; left > 0;) {
        const count = Math.min(left, 8 * BULK_BLOCK);
        bench.write(count);
        while (sender.buffer.length > 0) bench.ack(sender.max);
        left -= count;
      }
      const start = sender.una;
      for (let i = 0; i < 5; i++) bench.write(MSS);
      bench.sent.length = 0;
      for (let i = 2; i <= 4; i++) {
        bench.ack(start, ...(sack ? [[seqAdd(start, MSS), seqAdd(start, i * MSS)] as [number, number]] : []));
      }
      assertEquals(bench.sent[0]?.sequence, start);
    }
  });
}

Deno.test("without SACK, two duplicate acknowledgments each release a new segment and the third retransmits", () => {
  const bench = new Bench(0, false);
  bench.write(20 * MSS);
  assertEquals(bench.take().length, 10);
  const start = bench.sender.una;
  bench.ack(start);
  assertEquals(bench.take(), [[10_000, MSS]]);
  bench.ack(start);
  assertEquals(bench.take(), [[11_000, MSS]]);
  bench.ack(start);
  assertEquals(bench.take(), [[0, MSS]]);
  const { congestion } = bench.sender;
  assertEquals(congestion.window, 6000);
  for (let i = 0; i < 8; i++) bench.ack(start); // inflation by the rest of the duplicates
  assertEquals(bench.take().map(([at]) => at), [12_000, 13_000, 14_000, 15_000, 16_000]);
  bench.ack(seqAdd(start, 3000)); // partial: the next hole is lost too
  assertEquals(bench.take()[0], [3000, MSS]);
  bench.ack(bench.sender.max);
  assertEquals(congestion.window, 6000);
});

Deno.test("with SACK, all holes are retransmitted in one round trip", () => {
  const bench = new Bench(0, true);
  bench.write(10 * MSS);
  bench.take();
  const block = (left: number, right: number): [number, number] => [left * MSS + 1, right * MSS + 1];
  bench.ack(1, block(1, 2));
  bench.ack(1, block(1, 2), block(3, 4));
  bench.take(); // limited transmit has nothing new to send
  bench.ack(1, block(1, 2), block(3, 4), block(6, 10));
  assertEquals(bench.take(), [[0, MSS], [2000, MSS], [4000, MSS], [5000, MSS]]);
  bench.ack(10 * MSS + 1);
  assertEquals(bench.take(), [], "segments sent");
  assertEquals(bench.sender.buffer.length, 0, "buffer length");
});

Deno.test("a hole is retransmitted once; a timeout starts again from the front", () => {
  const bench = new Bench(0, true);
  bench.write(10 * MSS);
  bench.take();
  bench.ack(1, [1001, 10_001]);
  assertEquals(bench.take(), [[0, MSS]]);
  for (let i = 0; i < 5; i++) bench.ack(1, [1001, 10_001]);
  assertEquals(bench.take(), []);
  bench.now = bench.sender.deadline;
  assert(bench.sender.timeout(bench.now));
  assertEquals(bench.take(), [[0, MSS]]);
  assertEquals(bench.sender.congestion.window, MSS);
  // the second time what was selectively acknowledged may be gone
  bench.now = bench.sender.deadline;
  assert(bench.sender.timeout(bench.now));
  bench.ack(1001);
  assertEquals(bench.take().slice(0, 2), [[0, MSS], [1000, MSS]]);
});

Deno.test("FIN follows the data, is retransmitted, and its acknowledgment differs from the data's", () => {
  const bench = new Bench(-1500, true);
  const { sender } = bench;
  sender.finQueued = true;
  bench.write(1500);
  assertEquals(bench.sent.map(({ length, fin }) => [length, fin]), [[1000, false], [500, true]]);
  assert(sender.finSent && !sender.finAcknowledged);
  bench.ack(sender.max - 1 | 0);
  assert(!sender.finAcknowledged);
  assertEquals(sender.buffer.length, 0);
  bench.sent.length = 0;
  bench.now = sender.deadline;
  assert(sender.timeout(bench.now));
  assertEquals(bench.sent.map(({ length, fin }) => [length, fin]), [[0, true]]);
  bench.ack(sender.max);
  assert(sender.finAcknowledged);
  assertFields(sender, { deadline: Infinity, una: sender.max });
  sender.output(1e6);
  assertEquals(bench.sent.length, 1);
});

Deno.test("the segment size shrinks while an odd number of bytes is in flight", () => {
  for (let flight = 5001; flight < 5020; flight++) {
    const bench = new Bench(0, false);
    bench.write(flight);
    const start = bench.sender.una;
    for (let i = 0; i < 3; i++) bench.ack(start);
    bench.sender.reduceSegmentSize(500, 1);
    bench.write(flight);
    assert(bench.sent.length < 100);
  }
});
