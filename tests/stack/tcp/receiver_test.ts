import { assert, assertEquals, assertFields } from "../../assert.ts";
import { allocatePlain, FramePool } from "../../../stack/base/device.ts";
import {
  INITIAL_RECEIVE_BUFFER,
  MAX_RECEIVE_BUFFER,
  PRESSED_BUFFER,
  WINDOW_SHIFT,
} from "../../../stack/tcp/numbers/constants.ts";
import { BufferMemory } from "../../../stack/tcp/buffers/memory.ts";
import { Receiver } from "../../../stack/tcp/receiver.ts";
import { seqAdd, seqBefore, seqDiff } from "../../../stack/tcp/numbers/sequence.ts";
import { seeded } from "./bed/simulation.ts";

const ZEROS = new Uint8Array(70_000);

interface Made {
  receiver: Receiver;
  memory: BufferMemory;
}

function make({ irs = 0, mss = 1460, shift = WINDOW_SHIFT, softLimit = 2 ** 30 } = {}): Made {
  const memory = new BufferMemory(allocatePlain, new FramePool(allocatePlain), softLimit);
  const receiver = new Receiver(memory, mss);
  receiver.start(irs);
  receiver.shift = shift;
  return { receiver, memory };
}

/** A data segment at `nxt`. */
function next(receiver: Receiver, length: number, fin = false, now = 0): boolean {
  return receiver.receive(null, ZEROS, 0, length, receiver.nxt, fin, now);
}

/** Reads this many bytes. */
function read(receiver: Receiver, count: number): boolean {
  let update = false;
  while (count > 0) {
    const chunk = receiver.buffer.peek();
    if (chunk === null) break;
    const length = Math.min(count, chunk.length);
    if (receiver.consume(length)) update = true;
    count -= length;
  }
  return update;
}

Deno.test("acceptable segments: table 6 of RFC 9293", () => {
  const { receiver } = make({ irs: -100 });
  const { nxt, edge } = receiver;
  const cases: [string, number, number, boolean][] = [
    ["nothing at nxt", nxt, 0, true],
    ["nothing before nxt", nxt - 1, 0, false],
    ["nothing in the window", nxt + 1000, 0, true],
    ["nothing at the edge", edge, 0, false],
    ["data at nxt", nxt, 10, true],
    ["data that ends at nxt", nxt - 10, 10, false],
    ["data that ends after nxt", nxt - 9, 10, true],
    ["the last byte", edge - 1, 10, true],
    ["data at the edge", edge, 1, false],
    ["all and more", nxt - 10, 200_000, true],
  ];
  for (const [what, sequence, length, expected] of cases) {
    assertEquals(receiver.acceptable(sequence | 0, length), expected, what);
  }
  receiver.edge = nxt;
  assertEquals(receiver.acceptable(nxt, 0), true);
  assertEquals(receiver.acceptable(nxt, 1), false);
});

for (
  const [name, options] of [
    ["with window scaling", {}],
    ["without", { shift: 0 }],
    ["without, huge segments", { shift: 0, mss: 65_495 }],
    ["sequence numbers wrap", { irs: -100_000 }],
    ["sometimes short of memory", { softLimit: 300_000 }],
  ] as const
) {
  Deno.test(`the advertised right edge never moves left, and data up to it is accepted: ${name}`, () => {
    const random = seeded(11);
    const { receiver, memory } = make(options);
    const mss = "mss" in options ? options.mss : 1460;
    let promised = receiver.edge;
    for (let i = 0; i < 20_000; i++) {
      const room = seqDiff(promised, receiver.nxt);
      const length = Math.min(room, 1 + random() % mss);
      if (random() % 2 === 0 && length > 0) {
        const before = receiver.nxt;
        next(receiver, length);
        if (!memory.exhausted) assertEquals(seqDiff(receiver.nxt, before), length);
      } else {
        read(receiver, random() % (3 * mss));
      }
      const field = receiver.advertise();
      receiver.acknowledged();
      assert(field >= 0 && field <= 65_535);
      const edge = seqAdd(receiver.nxt, field << receiver.shift);
      assert(!seqBefore(edge, promised), `the edge moved left by ${seqDiff(promised, edge)}`);
      assertEquals(edge, receiver.edge);
      promised = edge;
      assert(seqDiff(edge, receiver.nxt) + receiver.buffer.queued <= MAX_RECEIVE_BUFFER + 65_536);
    }
    read(receiver, Infinity);
    assertEquals(memory.inUse, 0);
  });
}

Deno.test("a fast reader gets a larger buffer, a slow reader does not", () => {
  const fast = make().receiver;
  for (let i = 0; i < 20_000; i++) {
    next(fast, 1460);
    read(fast, 1460);
    fast.advertise();
  }
  assertEquals(seqDiff(fast.edge, fast.nxt) > MAX_RECEIVE_BUFFER - 3000, true);
  const slow = make().receiver;
  for (let i = 0; i < 20_000; i++) {
    const room = seqDiff(slow.edge, slow.nxt);
    if (room >= 1460) next(slow, 1460);
    if (slow.buffer.queued > INITIAL_RECEIVE_BUFFER / 2) read(slow, 1460);
    slow.advertise();
  }
  assert(seqDiff(slow.edge, slow.nxt) + slow.buffer.queued <= INITIAL_RECEIVE_BUFFER + 128);
});

Deno.test("a closed window opens by at least a segment", () => {
  for (const options of [{}, { shift: 0 }, { shift: 0, mss: 65_495 }, { mss: 65_495 }]) {
    const { receiver } = make(options);
    while (seqDiff(receiver.edge, receiver.nxt) > 0) {
      next(receiver, Math.min(1460, seqDiff(receiver.edge, receiver.nxt)));
      receiver.advertise();
    }
    assertEquals(receiver.advertise(), 0);
    let told = false;
    for (let i = 0; i < 300_000 && !told; i++) {
      told = read(receiver, 1);
      if (!told) assertEquals(receiver.advertise(), 0);
    }
    assert(told, "the peer never gets the window update");
    const open = receiver.advertise() << receiver.shift;
    assert(open >= Math.min(32_767, options.mss ?? 1460), `${open}`);
  }
});

Deno.test("memory pressure: the buffer's limit shrinks, out-of-order data is dropped, then all data above a small minimum", () => {
  const { receiver, memory } = make({ softLimit: 100_000 });
  const other = memory.take(200_000); // someone else's
  assert(memory.pressed && memory.exhausted);
  receiver.receive(null, ZEROS, 0, 100, seqAdd(receiver.nxt, 1000), false, 0);
  assertEquals(receiver.buffer.outOfOrderCount, 0);
  while (receiver.buffer.queued < PRESSED_BUFFER) assert(next(receiver, 1000));
  const { nxt } = receiver;
  assert(!next(receiver, 1000));
  assertFields(receiver, { nxt, ackNow: true });
  assert(!next(receiver, 1000, true)); // FIN waits for the data in front of it, which must come again
  assertFields(receiver, { nxt, finReceived: false });
  memory.release(other);
  assert(next(receiver, 1000));
  assertFields(receiver, { nxt: seqAdd(nxt, 1001), finReceived: true });
});

Deno.test("every second full segment is acknowledged at once, for every segment size", () => {
  for (const mss of [536, 1220, 1440, 1460, 8960, 65_495]) {
    for (const optionsLength of [0, 12]) {
      const { receiver } = make({ mss });
      next(receiver, mss - optionsLength, false, 5);
      if (mss < 2000) assertFields(receiver, { ackNow: false, ackDeadline: 15 });
      next(receiver, mss - optionsLength);
      assert(receiver.ackNow, `${mss} ${optionsLength}`);
    }
  }
});

Deno.test("FIN: in order, out of order, repeated, beyond a closed window", () => {
  const { receiver } = make();
  const start = receiver.nxt;
  assert(!receiver.receive(null, ZEROS, 0, 10, seqAdd(start, 20), true, 0)); // 20..30 and FIN
  assertFields(receiver, { finReceived: false, nxt: start });
  assert(!receiver.receive(null, ZEROS, 0, 10, seqAdd(start, 30), false, 0)); // nothing comes behind FIN
  assert(receiver.receive(null, ZEROS, 0, 20, start, false, 0));
  assertEquals(receiver.finReceived, true, "fin received");
  assertEquals(seqDiff(receiver.nxt, start), 31, "RCV.NXT from the start");
  assertEquals(receiver.buffer.queued, 30, "queued");
  receiver.acknowledged();
  assert(!receiver.receive(null, ZEROS, 0, 10, seqAdd(start, 20), true, 0));
  assert(receiver.ackNow);
  assertEquals(seqDiff(receiver.nxt, start), 31);

  // a broken peer sends FIN within its own data: all data before FIN arrives, wherever FIN lies, and nothing else
  for (const early of [[20, 30], [29, 31], [30, 40], [10, 40], [10, 20]] as const) {
    for (const fin of [25, 30]) {
      const { receiver: other, memory } = make({ irs: -20 });
      const at = (offset: number) => seqAdd(start, offset - 20);
      const data = (from: number, to: number) => other.receive(null, ZEROS, 0, to - from, at(from), false, 0);
      data(early[0], early[1]);
      other.receive(null, ZEROS, 0, 0, at(fin), true, 0);
      for (let from = 0; from < 40; from += 4) data(from, from + 4);
      assertEquals(other.finReceived, true, "fin received");
      assertEquals(seqDiff(other.nxt, at(fin)), 1, "RCV.NXT from the start");
      assertEquals(other.buffer.queued, fin, "queued");
      assertFields(other.buffer, { outOfOrderCount: 0, outOfOrderBytes: 0 });
      assertEquals(memory.early, 0, "early bytes");
    }
  }

  for (const shift of [0, 7]) {
    const closed = make({ shift }).receiver;
    do next(closed, Math.min(60_000, seqDiff(closed.edge, closed.nxt))); while (closed.advertise() > 0);
    assert(next(closed, 0, true));
    assertEquals(closed.advertise(), 0);
    read(closed, 10);
    const edge = closed.edge;
    assert(closed.advertise() << shift <= INITIAL_RECEIVE_BUFFER);
    assert(!seqBefore(closed.edge, edge));
  }
});

Deno.test("timestamps: which one to echo, and which are too old", () => {
  for (const first of [1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]) {
    const { receiver } = make({ irs: 500 });
    receiver.noteTimestamp(first | 0, 500, 0);
    assertEquals(receiver.timestampRecent, first | 0, "the first one is always accepted");
    const newer = seqAdd(first, 10);
    receiver.noteTimestamp(newer, 502, 0); // beyond Last.ACK.sent: an acknowledgment for it was not sent
    assertEquals(receiver.timestampRecent, first | 0);
    receiver.noteTimestamp(newer, 501, 0);
    assertEquals(receiver.timestampRecent, newer);
    assert(receiver.isOldTimestamp(first | 0, 1000) && !receiver.isOldTimestamp(newer, 1000));
    receiver.noteTimestamp(first | 0, 501, 1000);
    assertEquals(receiver.timestampRecent, newer);
    const muchLater = 25 * 24 * 3600_000;
    assert(!receiver.isOldTimestamp(first | 0, muchLater));
    receiver.noteTimestamp(first | 0, 501, muchLater);
    assertEquals(receiver.timestampRecent, first | 0);
  }
});
