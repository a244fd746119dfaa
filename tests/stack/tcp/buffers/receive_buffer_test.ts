import { assert, assertEquals, assertFields } from "../../../assert.ts";
import { allocatePlain, FramePool } from "../../../../stack/base/device.ts";
import { MAX_OUT_OF_ORDER } from "../../../../stack/tcp/numbers/constants.ts";
import { BufferMemory } from "../../../../stack/tcp/buffers/memory.ts";
import { ReceiveBuffer } from "../../../../stack/tcp/buffers/receive_buffer.ts";
import { seqAdd } from "../../../../stack/tcp/numbers/sequence.ts";
import { seeded, User } from "../bed/simulation.ts";

function make(earlyLimit?: number): { buffer: ReceiveBuffer; memory: BufferMemory; frames: FramePool } {
  const frames = new FramePool(allocatePlain);
  const memory = new BufferMemory(allocatePlain, frames, 2 ** 30, earlyLimit);
  return { buffer: new ReceiveBuffer(memory), memory, frames };
}

/** Reads at most `limit` bytes in pieces as large as they come. */
function read(buffer: ReceiveBuffer, limit = Infinity): number[] {
  const out: number[] = [];
  for (;;) {
    const chunk = buffer.peek();
    if (chunk === null || limit === 0) return out;
    const count = Math.min(limit, chunk.length);
    for (let i = 0; i < count; i++) out.push(chunk.block.bytes[chunk.offset + i]);
    buffer.consume(count);
    limit -= count;
  }
}

Deno.test("small payloads are merged into one piece; a large payload keeps its frame", () => {
  const { buffer, memory, frames } = make();
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
  buffer.append(null, bytes, 0, 10);
  buffer.append(null, bytes, 10, 90);
  assertEquals({ queued: buffer.queued, peeked: buffer.peek()!.length }, { queued: 100, peeked: 100 });
  const frame = frames.take();
  buffer.append(frame, frame.bytes, 100, 40_000);
  assert(frame.held);
  assertEquals(buffer.queued, 40_100);
  buffer.consume(100);
  const chunk = buffer.peek()!;
  assert(chunk.block === frame.block);
  assertFields(chunk, { offset: 100, length: 40_000 });
  buffer.consume(40_000);
  assertEquals(buffer.queued, 0, "queued");
  assertEquals(memory.inUse, 0, "memory in use");
  assertEquals(frames.taken, 0, "frames taken");
});

Deno.test("the piece that the user reads stays valid after clear", () => {
  for (const large of [false, true]) {
    const { buffer, memory, frames } = make();
    const frame = frames.take();
    buffer.append(large ? frame : null, frame.bytes, 0, 40_000);
    const { block } = buffer.peek()!;
    buffer.append(null, frame.bytes, 0, 10);
    buffer.clear();
    if (!large) frames.release(frame);
    assertEquals(buffer.queued, 0, "queued");
    assertEquals(buffer.peek(), null, "peeked");
    assertEquals(memory.inUse, 0, "memory in use");
    assertEquals(frames.taken, 0, "frames taken");
    buffer.consume(40_000); // late, and without effect
    assertEquals({ queued: buffer.queued, memoryInUse: memory.inUse }, { queued: 0, memoryInUse: 0 });
    for (let i = 0; i < 4; i++) assert(memory.take(40_000) !== block);
    for (let i = 0; i < 4; i++) assert(frames.take().block !== block || !large);
  }
});

Deno.test("out-of-order ranges: the most recent first, then from the highest down, adjacent pieces joined", () => {
  const { buffer } = make();
  const bytes = new Uint8Array(100);
  const edges = new Int32Array(6);
  const base = 0x7fffff00; // the ranges lie around 2^31
  const at = (offset: number) => seqAdd(base, offset);
  const ranges = (recent: number) => {
    const count = buffer.earlyRanges(at(recent), edges);
    return Array.from({ length: count }, (_, i) => [edges[2 * i] - base | 0, edges[2 * i + 1] - base | 0]);
  };
  assertEquals(ranges(0), []);
  for (const offset of [100, 300, 500, 700, 310]) assert(buffer.insertEarly(null, bytes, 0, 10, at(offset)));
  assertEquals(ranges(100), [[100, 110], [700, 710], [500, 510]]);
  assertEquals(ranges(319), [[300, 320], [700, 710], [500, 510]]);
  assertEquals(ranges(700), [[700, 710], [500, 510], [300, 320]]);
  assertEquals(ranges(50), [[700, 710], [500, 510]]); // the recent one is gone: one block less
});

Deno.test("pieces over the limit are dropped", () => {
  const { buffer, memory } = make();
  const bytes = new Uint8Array(10_000);
  for (let i = 0; i < MAX_OUT_OF_ORDER; i++) assert(buffer.insertEarly(null, bytes, 0, 1, 100 + 2 * i));
  assert(!buffer.insertEarly(null, bytes, 0, 1, 5000));
  assert(!buffer.insertEarly(null, bytes, 0, 1000, 100)); // the gaps between them
  assertFields(buffer, { outOfOrderCount: MAX_OUT_OF_ORDER, outOfOrderBytes: MAX_OUT_OF_ORDER });
  assert(buffer.insertEarly(null, bytes, 0, 1, 100)); // nothing new, nothing dropped
  buffer.clear();
  assertFields(buffer, { outOfOrderCount: 0, outOfOrderBytes: 0 });
  assertEquals(memory.inUse, 0, "memory in use");
});

for (const start of [0, 2 ** 31 - 50_000, 2 ** 32 - 50_000]) {
  Deno.test(`random pieces with overlaps around ${start}, against the stream itself`, () => {
    const random = seeded(start + 1);
    const { buffer, memory, frames } = make();
    let next = 0, consumed = 0;
    const present = new Set<number>(); // early bytes
    while (next < 400_000) {
      const large = random() % 8 === 0;
      const length = 1 + random() % (large ? 60_000 : 3000);
      const offset = Math.max(0, next + (random() % 4 === 0 ? 0 : random() % 40_000 - 5000));
      const frame = frames.take();
      for (let i = 0; i < length; i++) frame.bytes[7 + i] = User.byteAt(offset + i);
      const skip = Math.max(0, next - offset);
      if (skip < length) {
        const from = 7 + skip, count = length - skip, position = offset + skip;
        if (position === next) {
          buffer.append(frame, frame.bytes, from, count);
          next += count;
          next += buffer.advance(seqAdd(start | 0, next));
        } else if (buffer.insertEarly(frame, frame.bytes, from, count, seqAdd(start | 0, position))) {
          for (let i = 0; i < count; i++) present.add(position + i);
        } else {
          throw new Error("dropped");
        }
      }
      if (!frame.held) frames.release(frame);
      for (const position of present) if (position < next) present.delete(position);
      assertEquals(present.has(next), false);
      assertEquals(buffer.outOfOrderBytes, present.size);
      if (random() % 2 === 0) {
        for (const byte of read(buffer, random() % 50_000)) {
          if (byte !== User.byteAt(consumed++)) throw new Error(`wrong byte at ${consumed - 1}`);
        }
      }
      assertEquals(buffer.queued, next - consumed);
    }
    buffer.clear();
    assertEquals({ memoryInUse: memory.inUse, framesTaken: frames.taken }, { memoryInUse: 0, framesTaken: 0 });
  });
}

Deno.test("memory for out-of-order data is bounded over all buffers, and released", () => {
  const { buffer, memory } = make(2 * 4096);
  const other = new ReceiveBuffer(memory);
  const bytes = new Uint8Array(100);
  assert(buffer.insertEarly(null, bytes, 0, 100, 1000));
  assert(other.insertEarly(null, bytes, 0, 100, 1000));
  assertFields(memory, { early: 2 * 4096, earlyRefused: 0 });
  assertEquals(buffer.insertEarly(null, bytes, 0, 100, 2000), false, "inserted");
  assertEquals(buffer.outOfOrderBytes, 100, "out-of-order bytes");
  assertEquals(memory.earlyRefused, 1);
  other.clear();
  assert(buffer.insertEarly(null, bytes, 0, 100, 2000));
  buffer.append(null, bytes, 0, 100);
  assertEquals(buffer.advance(1000), 100);
  assertEquals(memory.early, 4096); // the piece from 2000 on
  buffer.clear();
  assertFields(memory, { early: 0, inUse: 0 });
});

Deno.test("without memory, out-of-order data is refused", () => {
  const { buffer, memory } = make();
  memory.inUse = 2 ** 30 + 1;
  assertEquals(buffer.insertEarly(null, new Uint8Array(1), 0, 1, 1), false);
  assertFields(memory, { early: 0, earlyRefused: 1 });
});
