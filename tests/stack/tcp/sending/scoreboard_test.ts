import { assert, assertEquals, assertFields } from "../../../assert.ts";
import { MAX_SACKED_RANGES } from "../../../../stack/tcp/numbers/constants.ts";
import { Scoreboard } from "../../../../stack/tcp/sending/scoreboard.ts";
import { seqAdd, seqDiff } from "../../../../stack/tcp/numbers/sequence.ts";
import { seeded } from "../bed/simulation.ts";

function board(...ranges: [number, number][]): Scoreboard {
  const scoreboard = new Scoreboard();
  for (const [left, right] of ranges) scoreboard.add(left, right);
  return scoreboard;
}

Deno.test("a range counts as new once", () => {
  const scoreboard = new Scoreboard();
  assert(scoreboard.add(100, 200));
  assert(!scoreboard.add(100, 200));
  assert(!scoreboard.add(120, 180));
  assert(scoreboard.add(150, 201));
  assert(scoreboard.add(300, 400));
  assert(scoreboard.add(201, 300));
  assertFields(scoreboard, { count: 1, bytes: 300, highest: 400 });
  scoreboard.clear();
  assertFields(scoreboard, { count: 0, bytes: 0 });
});

Deno.test("ranges over the limit are ignored, but known ranges still grow", () => {
  const scoreboard = new Scoreboard();
  for (let i = 0; i < MAX_SACKED_RANGES; i++) assert(scoreboard.add(10 * i, 10 * i + 5));
  assert(!scoreboard.add(10 * MAX_SACKED_RANGES, 10 * MAX_SACKED_RANGES + 5));
  assert(scoreboard.add(3, 7));
  assertFields(scoreboard, { count: MAX_SACKED_RANGES, bytes: 5 * MAX_SACKED_RANGES + 2 });
});

Deno.test("a hole is lost when three ranges, or more than two segments, are above it", () => {
  const cases: [string, Scoreboard, number][] = [
    ["nothing", board(), 0],
    ["a segment", board([1000, 2000]), 0],
    ["two segments", board([1000, 3000]), 0],
    ["two segments and a byte", board([1000, 3001]), 1000],
    ["two ranges", board([1000, 1001], [2000, 2001]), 0],
    ["three ranges", board([1000, 1001], [2000, 2001], [3000, 3001]), 1000],
    ["much above the hole", board([1000, 1001], [2000, 2001], [5000, 9000]), 5000],
  ];
  for (const [what, scoreboard, expected] of cases) assertEquals(scoreboard.lostBelow(0, 1000), expected, what);
});

Deno.test("the pipe counts what is not lost and what was retransmitted", () => {
  const cases: [string, Scoreboard, number, number][] = [
    ["nothing acknowledged", board(), 0, 10_000],
    ["a segment acknowledged, nothing lost", board([1000, 2000]), 0, 9000],
    ["the hole is lost", board([1000, 5000]), 0, 5000],
    ["and was retransmitted", board([1000, 5000]), 1000, 6000],
    ["half of it", board([1000, 5000]), 500, 5500],
    ["the upper hole is not lost", board([1000, 3001], [4000, 5000]), 0, 999 + 5000],
  ];
  for (const [what, scoreboard, retransmitted, expected] of cases) {
    assertEquals(scoreboard.pipe(0, 10_000, retransmitted, 1000), expected, what);
  }
});

for (const start of [0, 2 ** 31 - 500, 2 ** 32 - 500]) {
  Deno.test(`random ranges around ${start}, against a bitmap`, () => {
    const random = seeded(start + 3);
    const size = 1000;
    const at = (offset: number) => seqAdd(start | 0, offset);
    const offset = (sequence: number) => seqDiff(sequence, start | 0);
    for (let round = 0; round < 100; round++) {
      const scoreboard = new Scoreboard();
      const bits = new Uint8Array(size);
      let una = 0;
      const sum = (from: number, to: number) => bits.subarray(from, to).reduce((a, b) => a + b, 0);
      for (let i = 0; i < 30; i++) {
        const left = una + random() % (size - una);
        const right = Math.min(size, left + 1 + random() % 60);
        const known = sum(left, right);
        assertEquals(scoreboard.add(at(left), at(right)), known < right - left);
        bits.fill(1, left, right);
        if (random() % 10 === 0) {
          una += random() % Math.ceil((size - una) / 4);
          scoreboard.acknowledge(at(una));
          bits.fill(0, 0, una);
        }
        assertEquals(scoreboard.bytes, sum(0, size));
        if (scoreboard.count > 0) assertEquals(offset(scoreboard.highest), bits.lastIndexOf(1) + 1);
        const probe = una + random() % (size - una);
        const zero = bits.indexOf(0, probe);
        assertEquals(offset(scoreboard.skip(at(probe))), bits[probe] ? (zero < 0 ? size : zero) : probe);
        assertEquals(scoreboard.bytesBelow(at(probe)), sum(0, probe));
        if (!bits[probe]) {
          const one = bits.indexOf(1, probe);
          assertEquals(offset(scoreboard.nextRange(at(probe), at(size))), one < 0 ? size : one);
        }
        assertEquals(offset(scoreboard.lostBelow(at(una), 20)), lostBelow(bits, una, 20));
        const again = una + random() % (size - una);
        assertEquals(scoreboard.pipe(at(una), at(size), at(again), 20), pipe(bits, una, again, 20));
      }
    }
  });
}

/** IsLost of RFC 6675, byte by byte: the right edge of the highest lost hole, `una` without. */
function lostBelow(bits: Uint8Array, una: number, mss: number): number {
  let bytes = 0, ranges = 0;
  for (let i = bits.length - 1; i > una; i--) {
    bytes += bits[i];
    if (bits[i] && !bits[i - 1]) ranges++;
    if (bits[i] && !bits[i - 1] && (ranges >= 3 || bytes > 2 * mss)) return i;
  }
  return una;
}

/** SetPipe of RFC 6675, byte by byte. */
function pipe(bits: Uint8Array, una: number, retransmitted: number, mss: number): number {
  const lost = lostBelow(bits, una, mss);
  let sum = 0;
  for (let i = una; i < bits.length; i++) if (!bits[i]) sum += (i >= lost ? 1 : 0) + (i < retransmitted ? 1 : 0);
  return sum;
}
