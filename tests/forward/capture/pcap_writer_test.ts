import { FILE_HEADER, RECORD_HEADER } from "../../../forward/capture/pcap.ts";
import { PcapWriter } from "../../../forward/capture/pcap_writer.ts";
import { assert, assertEquals, assertThrows } from "../../assert.ts";
import { toHex } from "../../../scripts/lab/packets.ts";
import { FakeSink, FakeTimers } from "./sink.ts";

function setup(sink = new FakeSink()) {
  const timers = new FakeTimers();
  const failures: string[] = [];
  const writer = new PcapWriter({
    sink,
    after: timers.after,
    atRest: timers.atRest,
    failed: (error) => failures.push(error.message),
  });
  /** Adds a packet of `length` bytes, all `value`; false: it was dropped. */
  const add = (length: number, value = 0xee, time = 0): boolean => {
    const at = writer.begin(time, length);
    if (at < 0) return false;
    writer.bytes.fill(value, at, at + length);
    writer.end(length);
    return true;
  };
  return { sink, timers, failures, writer, add };
}

const FILE = "a1b2c3d4 0002 0004 00000000 00000000 00040000 00000065".replaceAll(" ", "");

Deno.test("a capture, byte by byte", () => {
  const { sink, timers, add, writer } = setup();
  assertEquals(toHex(Uint8Array.from(sink.bytes)), FILE, "the header is there from the start");
  add(3, 0x45, 1_700_000_000_123.456);
  assertEquals(sink.bytes.length, FILE_HEADER, "not yet");
  assertEquals(timers.delays, [200]);
  add(1, 0x60, 1_700_000_000_999.9995);
  assertEquals(timers.pending, 1, "one timer does for all");
  timers.fire();
  assertEquals(
    toHex(Uint8Array.from(sink.bytes)),
    FILE + "6553f100 0001e240 00000003 00000003 454545 6553f100 000f423f 00000001 00000001 60".replaceAll(" ", ""),
  );
  assertEquals(timers.pending, 0, "nothing to do, no timer");
  assertEquals(writer.packets, 2);
  add(1);
  writer.close();
  assertEquals(sink.bytes.length, FILE_HEADER + 3 * RECORD_HEADER + 5, "the rest at the close");
  assertEquals(sink.closed, 1);
  timers.fire();
  writer.close();
  assertEquals(add(1), false);
  assertEquals(sink.closed, 1, "closes of the sink");
  assertEquals(writer.dropped, 0, "dropped packets");
});

Deno.test("packets are written when the loop comes to rest, however many there are by then", () => {
  const { sink, timers, add } = setup();
  for (let i = 0; i < 5; i++) add(84);
  assertEquals(sink.writes, [FILE_HEADER]);
  assertEquals(timers.rest(), 1, "calls at the rest");
  assertEquals(sink.writes, [FILE_HEADER, 500], "all in one write");
  timers.fire();
  add(84);
  assertEquals(timers.rest(), 1, "calls at the next rest");
  assertEquals(sink.writes, [FILE_HEADER, 500, 100]);
  assertEquals(timers.rest(), 0, "calls where nothing was captured");
});

Deno.test("much is written at once, in large pieces", () => {
  const { sink, add } = setup();
  for (let i = 0; i < 40; i++) add(65_535);
  assertEquals(sink.writes, [FILE_HEADER, ...Array(10).fill(4 * (RECORD_HEADER + 65_535))]);
  const small = setup();
  for (let i = 0; i < 5000; i++) small.add(84);
  assertEquals(small.sink.writes, [FILE_HEADER, 262_200], "100 bytes each: whole ones from 256 KiB on");
});

Deno.test("a sink that takes nothing for a while misses nothing; one that takes nothing for long misses packets", () => {
  const { sink, timers, add, writer } = setup();
  sink.room = 100_000;
  let whole = FILE_HEADER;
  for (let i = 0; i < 50; i++, whole += RECORD_HEADER + 60_000) assert(add(60_000, i));
  assertEquals(sink.bytes.length, FILE_HEADER + 100_000);
  timers.fire();
  assertEquals(timers.delays, [200, 10], "then it is asked often");
  for (let i = 50; i < 90; i++) if (add(60_000, i)) whole += RECORD_HEADER + 60_000;
  assert(writer.dropped > 10 && writer.dropped < 40, `${writer.dropped} dropped`);
  assertEquals(writer.packets + writer.dropped, 90);
  sink.room = Infinity;
  timers.fire();
  assertEquals(sink.bytes.length, whole, "all that there was room for, and nothing else");
  assert(add(60_000, 0xff));
  writer.close();
  assertEquals(sink.bytes.length, whole + RECORD_HEADER + 60_000);
  const sizes = [];
  for (let at = FILE_HEADER; at < sink.bytes.length;) {
    const size = sink.bytes[at + 8] << 24 | sink.bytes[at + 9] << 16 | sink.bytes[at + 10] << 8 |
      sink.bytes[at + 11];
    sizes.push(size);
    assertEquals(sink.bytes[at + RECORD_HEADER], sink.bytes[at + RECORD_HEADER + size - 1], "packets are whole");
    at += RECORD_HEADER + size;
  }
  assertEquals(sizes, Array(writer.packets).fill(60_000));
});

Deno.test("a full disk ends it behind the last whole packet, once, and packets pass by", () => {
  const { sink, timers, add, failures, writer } = setup();
  for (let i = 0; i < 3; i++) add(100);
  timers.fire();
  for (let i = 0; i < 3; i++) add(100);
  sink.room = 2 * (RECORD_HEADER + 100) + 50; // within the sixth packet
  sink.error = new Error("write on x: No space left on device (ENOSPC)");
  timers.fire();
  assertEquals(failures, ["write on x: No space left on device (ENOSPC)"]);
  assertEquals(sink.bytes.length, FILE_HEADER + 5 * (RECORD_HEADER + 100));
  assertEquals(add(100), false, "a packet at the end is refused");
  assertEquals(sink.closed, 1, "closes of the sink");
  assertEquals(writer.dropped, 0, "dropped packets");
  timers.fire();
  writer.close();
  assertEquals(failures.length, 1, "number of failures");
  assertEquals(sink.closed, 1, "closes of the sink");
});

Deno.test("a full disk in the middle of a bulk transfer, and a pipe that broke", () => {
  for (const truncatable of [true, false]) {
    const { sink, add, failures } = setup();
    sink.truncatable = truncatable;
    sink.room = 100_000;
    sink.error = new Error("broken");
    for (let i = 0; i < 10; i++) add(60_000);
    assertEquals(failures, ["broken"]);
    assertEquals(sink.bytes.length, FILE_HEADER + (truncatable ? RECORD_HEADER + 60_000 : 100_000));
    assertEquals(sink.closed, 1);
  }
});

Deno.test("what can't even take the header can't be captured to", () => {
  const full = new FakeSink();
  full.room = 0;
  full.error = new Error("full");
  assertThrows(() => setup(full), Error, "full");
  const tight = new FakeSink();
  tight.room = 10;
  assertThrows(() => setup(tight), Error, "no room");
});
