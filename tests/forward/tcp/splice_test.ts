import { HostError } from "../../../forward/host/host_network.ts";
import { OPERATIONS_PER_TURN, READ_SIZES } from "../../../forward/limits/limits.ts";
import { Splice } from "../../../forward/tcp/splice.ts";
import { assert, assertEquals } from "../../assert.ts";
import { FakeFlow, FakeScheduler, FakeStream, seededRandom } from "../bed/fakes.ts";

const RESET = new HostError("reset", "connection reset by peer");

/** A splice between fakes, started. */
function splice(immediate?: () => boolean) {
  const scheduler = new FakeScheduler();
  const stream = new FakeStream(immediate);
  const result = { scheduler, stream, flow: new FakeFlow(), ended: 0, report: "" };
  const pump = new Splice(stream, "l", scheduler, (ended) => {
    assert(ended === pump);
    result.ended++;
    result.report = String(ended.ends);
  });
  result.flow.handler = pump;
  pump.start(result.flow);
  return Object.assign(result, { pump });
}

const bytes = (...values: number[]) => Uint8Array.from(values);

Deno.test("splice: bytes both ways, then FIN both ways, guest first", () => {
  const s = splice();
  s.flow.sends(bytes(1, 2, 3));
  s.stream.completeWrite(2);
  assertEquals(s.flow.readable, 1);
  s.stream.completeWrite();
  assertEquals(s.stream.fromGuest, [1, 2, 3]);
  s.flow.finishes();
  assert(s.stream.writeEnded);
  assert(!s.stream.isClosed);
  s.stream.sends(bytes(4, 5));
  s.stream.completeRead();
  assertEquals(s.flow.toGuest, [4, 5]);
  s.stream.finishes();
  s.stream.completeRead();
  assertEquals(s.flow.shutdowns, 1, "FINs to the guest");
  assertEquals(s.stream.closes, 1, "closes of the host's stream");
  assertEquals(s.ended, 0, "how often the splice has ended");
  s.flow.ends(null);
  assertEquals(s.ended, 1, "how often the splice has ended");
  assertEquals(s.stream.closes, 1, "closes of the host's stream");
  assertEquals(s.stream.resets, 0, "resets of the host's stream");
  assertEquals(s.flow.aborts, 0, "resets to the guest");
  assertEquals(s.report, "l=[EOF]/0 r=EOF/0");
});

Deno.test("splice: the host's FIN first; the guest goes on", () => {
  const s = splice();
  s.stream.finishes();
  s.stream.completeRead();
  assertEquals(s.flow.shutdowns, 1);
  s.flow.sends(bytes(7));
  s.stream.completeWrite();
  s.flow.finishes();
  assertEquals(s.stream.fromGuest, [7]);
  s.flow.ends(null);
  assertEquals(s.ended, 1, "how often the splice has ended");
  assertEquals(s.stream.closes, 1, "closes of the host's stream");
  assertEquals(s.report, "l=EOF/0 r=[EOF]/0", "the end report");
});

Deno.test("splice: an end that came with the last data is passed on with them", () => {
  const s = splice();
  s.stream.endsWithData = true;
  s.stream.sends(bytes(4, 5));
  s.stream.completeRead();
  assertEquals(s.flow.toGuest, [4, 5], "what the guest received");
  assertEquals(s.flow.shutdowns, 0, "FINs to the guest");
  assertEquals(s.stream.isReading, true, "a read is pending");
  s.stream.sends(bytes(6));
  s.stream.finishes();
  s.stream.completeRead();
  assertEquals(s.flow.toGuest, [4, 5, 6], "what the guest received");
  assertEquals(s.flow.shutdowns, 1, "FINs to the guest");
  assertEquals(s.stream.isReading, false, "a read is pending");
  s.flow.finishes();
  assertEquals(s.stream.writeEnded, false, "the write direction was closed"); // its close is the end for the host, too
  assertEquals(s.stream.closes, 1, "closes of the host's stream");
  s.flow.ends(null);
  assertEquals(s.ended, 1, "how often the splice has ended");
  assertEquals(s.stream.closes, 1, "closes of the host's stream");
  assertEquals(s.report, "l=EOF/0 r=[EOF]/0", "the end report");
});

Deno.test("splice: FIN waits for the data before it", () => {
  const s = splice();
  {
    s.flow.sends(bytes(1));
    s.flow.sends(bytes(2));
    s.flow.finishes();
  }
  assert(!s.stream.writeEnded);
  s.stream.completeWrite();
  assert(!s.stream.writeEnded);
  s.stream.completeWrite();
  assert(s.stream.writeEnded);
  assertEquals(s.stream.fromGuest, [1, 2]);
});

Deno.test("splice: data that the guest left behind at its good end is still written", () => {
  const s = splice();
  s.stream.finishes();
  s.stream.completeRead();
  {
    s.flow.sends(bytes(1));
    s.flow.sends(bytes(2));
    s.flow.finishes();
    s.flow.ends(null);
  }
  assertEquals(s.ended, 0);
  s.stream.completeWrite();
  s.stream.completeWrite();
  assertEquals(s.stream.fromGuest, [1, 2], "what the host received");
  assertEquals(s.ended, 1, "how often the splice has ended");
  assertEquals(s.stream.closes, 1, "closes of the host's stream");
});

Deno.test("splice: nothing is read while the guest's send buffer is full", () => {
  const s = splice();
  s.flow.sendLimit = 10;
  s.stream.completeRead();
  s.stream.sends(new Uint8Array(50));
  s.stream.completeRead(); // the read that was asked for before the limit
  s.stream.sends(new Uint8Array(50));
  assert(!s.stream.isReading);
  const read = s.flow.toGuest.length;
  s.flow.acknowledges(read - 5);
  assert(s.stream.isReading);
  s.stream.completeRead();
  assertEquals(s.flow.toGuest.length, read + 5);
});

Deno.test("splice: nothing is consumed that the host has not taken", () => {
  const s = splice();
  s.flow.sends(new Uint8Array(100));
  s.flow.sends(new Uint8Array(100));
  assertEquals(s.flow.readable, 200);
  s.stream.completeWrite(30);
  assertEquals(s.flow.readable, 170);
});

Deno.test("splice: reads grow while they come back full, and shrink again", () => {
  const s = splice();
  s.flow.sendLimit = Infinity;
  s.stream.sends(new Uint8Array(READ_SIZES[0] + READ_SIZES[1] + READ_SIZES[2] + 100));
  for (let i = 0; i < 4; i++) s.stream.completeRead();
  assertEquals(s.stream.reads, [READ_SIZES[0], READ_SIZES[1], READ_SIZES[2], READ_SIZES[2], READ_SIZES[0]]);
});

for (const side of ["read", "write"] as const) {
  Deno.test(`splice: a host's reset seen by a ${side} resets the guest`, () => {
    const s = splice();
    s.flow.sends(bytes(1));
    if (side === "read") s.stream.failRead(RESET);
    else s.stream.failWrite(RESET);
    assertEquals(s.flow.aborts, 1, "resets to the guest");
    assertEquals(s.stream.closes + s.stream.resets, 1, "s stream closes + s stream resets");
    assertEquals(s.ended, 1, "how often the splice has ended");
    const where = side === "read" ? "[connection reset by peer]/0" : "0/[connection reset by peer]";
    assertEquals(s.report, `l=0/0 r=${where}`);
  });
}

for (const failure of ["reset", "timeout", "unreachable", "aborted"] as const) {
  Deno.test(`splice: a guest's end by ${failure} resets the host`, () => {
    const s = splice();
    s.flow.sends(bytes(1));
    s.flow.ends(failure);
    assertEquals(s.stream.resets, 1, "resets of the host's stream");
    assertEquals(s.stream.closes, 0, "closes of the host's stream");
    assertEquals(s.flow.aborts, 0, "resets to the guest");
    assertEquals(s.ended, 1, "how often the splice has ended");
    s.pump.abort();
    assertEquals(s.ended, 1);
  });
}

Deno.test("splice: abort resets both sides, once", () => {
  const s = splice();
  s.pump.abort();
  s.pump.abort();
  assertEquals(s.stream.resets, 1, "resets of the host's stream");
  assertEquals(s.flow.aborts, 1, "resets to the guest");
  assertEquals(s.ended, 1, "how often the splice has ended");
});

Deno.test("splice: an answer on its way is not lost to a host that takes no more", () => {
  const s = splice();
  s.stream.sends(bytes(1, 2, 3));
  s.stream.completeRead();
  s.stream.finishes();
  s.stream.completeRead();
  s.flow.sends(bytes(9));
  s.stream.failWrite(new HostError("reset", "broken pipe"));
  assertEquals(s.flow.aborts, 0, "resets to the guest");
  assertEquals(s.ended, 0, "how often the splice has ended");
  s.flow.sends(bytes(9)); // dropped
  assertEquals(s.flow.readable, 0, "bytes that wait");
  assertEquals(s.flow.aborts, 0, "resets to the guest");
  s.flow.acknowledges(3);
  s.flow.sends(bytes(9));
  assertEquals(s.flow.aborts, 1, "resets to the guest");
  assertEquals(s.ended, 1, "how often the splice has ended");
  assertEquals(s.report, "l=0/0 r=[EOF]/broken pipe", "the end report");
});

Deno.test("splice: operations that complete at once take turns", () => {
  const s = splice(() => true);
  {
    for (let i = 0; i < 3 * OPERATIONS_PER_TURN; i++) s.flow.sends(bytes(i));
  }
  while (s.scheduler.deferredCount > 0) {
    const before = s.stream.fromGuest.length;
    s.scheduler.runDeferred();
    assert(s.stream.fromGuest.length - before <= OPERATIONS_PER_TURN);
  }
  assertEquals(s.stream.fromGuest, Array.from({ length: 3 * OPERATIONS_PER_TURN }, (_, i) => i));
});

Deno.test("splice: random orders of events: data intact, released once", () => {
  for (let seed = 1; seed <= 80; seed++) randomRun(seed, false);
});

Deno.test("splice: random orders of events and a failure: both sides reset, released once", () => {
  for (let seed = 1; seed <= 80; seed++) randomRun(seed, true);
});

function randomRun(seed: number, withFailure: boolean): void {
  const random = seededRandom(seed);
  const pick = (n: number) => Math.floor(random() * n);
  const s = splice(seed % 3 === 0 ? () => random() < 0.5 : undefined);
  s.flow.sendLimit = 500 + pick(9_000);
  s.stream.endsWithData = seed % 2 === 0;
  const fromGuest: number[] = [], fromHost: number[] = [];
  const piece = (into: number[], length: number) =>
    Uint8Array.from({ length }, () => {
      const byte = pick(256);
      into.push(byte);
      return byte;
    });
  let guestFinished = false, hostFinished = false;
  const failAt = withFailure ? pick(80) : Infinity;
  for (let step = 0; s.ended === 0; step++) {
    assert(step < 20_000, `seed ${seed}: no end`);
    const wantsEnd = step > 60;
    if (step >= failAt) {
      const choice = pick(4);
      if (choice === 0 && s.stream.isReading) s.stream.failRead(RESET);
      else if (choice === 1 && s.stream.isWriting) s.stream.failWrite(RESET);
      else if (choice === 2 && !s.flow.isOver) s.flow.ends("reset");
      else if (choice === 3) s.pump.abort();
      if (s.ended > 0) break;
    }
    switch (pick(8)) {
      case 0:
        if (!guestFinished && !s.flow.isOver) s.flow.sends(piece(fromGuest, 1 + pick(700)));
        break;
      case 1:
        if (!hostFinished) s.stream.sends(piece(fromHost, 1 + pick(3_000)));
        break;
      case 2:
        s.stream.completeRead();
        break;
      case 3:
        s.stream.completeWrite(1 + pick(900));
        break;
      case 4:
        if (!s.flow.isOver) s.flow.acknowledges(pick(9_000));
        break;
      case 5:
        s.scheduler.runDeferred();
        break;
      case 6:
        if (wantsEnd && !guestFinished) {
          guestFinished = true;
          s.flow.finishes();
        }
        break;
      case 7:
        if (wantsEnd && !hostFinished) {
          hostFinished = true;
          s.stream.finishes();
        }
    }
    const acknowledged = s.flow.bytesAcknowledged === s.flow.toGuest.length;
    if (guestFinished && s.flow.shutdowns > 0 && acknowledged && !s.flow.isOver) {
      s.flow.ends(null);
    }
  }
  s.scheduler.runDeferred();
  const released = s.stream.closes + s.stream.resets;
  assertEquals(s.ended, 1, `s ended: seed ${seed}`);
  assertEquals(released, 1, `released: seed ${seed}`);
  assertEquals(s.scheduler.deferredCount, 0, `s scheduler deferred count: seed ${seed}`);
  const count = s.stream.fromGuest.length;
  assertEquals(s.stream.fromGuest, fromGuest.slice(0, count), `seed ${seed}: guest to host`);
  assertEquals(s.flow.toGuest, fromHost.slice(0, s.flow.toGuest.length), `seed ${seed}: host to guest`);
  if (withFailure && (s.stream.resets > 0 || s.flow.aborts > 0)) return;
  assertEquals(count, fromGuest.length, `count: seed ${seed}: all arrived`);
  assertEquals(s.flow.toGuest.length, fromHost.length, `s flow to guest length: seed ${seed}: all arrived`);
  assertEquals(s.stream.resets, 0, `s stream resets: seed ${seed}: good end`);
  assertEquals(s.flow.aborts, 0, `s flow aborts: seed ${seed}: good end`);
  assertEquals(s.stream.closes, 1, `s stream closes: seed ${seed}: good end`);
}
