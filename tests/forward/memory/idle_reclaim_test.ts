import { IdleReclaim, type ProcessUsage } from "../../../forward/memory/idle_reclaim.ts";
import { IDLE_SHARE, LEAST_RECLAIMED_BYTES } from "../../../forward/limits/limits.ts";
import { IDLE_LOOK_MS } from "../../../forward/limits/timeouts.ts";
import { readProcessUsage } from "../../../forward/metrics/process_figures.ts";
import { assert, assertEquals } from "../../assert.ts";
import { FakeScheduler } from "../bed/fakes.ts";

const MIB = 1024 * 1024;
/** CPU seconds between two looks that still count as idle. */
const IDLE_SECONDS = IDLE_SHARE * IDLE_LOOK_MS / 1000;

class FakeProcess {
  readonly scheduler = new FakeScheduler();
  usage: ProcessUsage | null = { cpuSeconds: 1, residentBytes: 60 * MIB };
  looks = 0;
  reclaims = 0;
  /** What a reclaim leaves. */
  left = 62 * MIB;
  readonly idle = new IdleReclaim(
    this.scheduler,
    () => {
      this.looks++;
      return this.usage;
    },
    () => {
      this.reclaims++;
      this.usage = { cpuSeconds: this.usage!.cpuSeconds + 0.05, residentBytes: this.left };
    },
  );

  /** Lets the reclaim after the start pass, which leaves `residentBytes`. */
  start(residentBytes: number): void {
    const { left } = this;
    this.left = residentBytes;
    this.idle.rested();
    this.scheduler.advance(IDLE_LOOK_MS);
    this.left = left;
    this.reclaims = 0;
  }

  work(cpuSeconds: number, residentBytes: number): void {
    this.usage = { cpuSeconds: this.usage!.cpuSeconds + cpuSeconds, residentBytes };
  }
}

Deno.test("idle reclaim: what the start has left is given back, once", () => {
  const process = new FakeProcess();
  process.left = 58 * MIB;
  process.idle.rested();
  process.scheduler.advance(IDLE_LOOK_MS - 1);
  assertEquals(process.reclaims, 0, "before the look");
  process.scheduler.advance(1);
  assertEquals(process.reclaims, 1, "at the look");
  process.idle.rested();
  process.scheduler.advance(60_000);
  assertEquals(process.reclaims, 1, "later");
  assertEquals(process.scheduler.timerCount, 0, "timers");
});

Deno.test("idle reclaim: one look after the load has ended, once, and no timer stays", () => {
  const process = new FakeProcess();
  process.start(60 * MIB);
  process.work(2, 260 * MIB);
  process.idle.rested();
  process.scheduler.advance(IDLE_LOOK_MS - 1);
  assertEquals(process.reclaims, 0);
  process.scheduler.advance(1);
  assertEquals(process.reclaims, 1);
  assertEquals(process.scheduler.timerCount, 0);
  process.idle.rested();
  process.scheduler.advance(60_000);
  assertEquals(process.reclaims, 1, "what is left is the new rest");
  assertEquals(process.scheduler.timerCount, 0);
});

Deno.test("idle reclaim: not while the process is busy, but as soon as it is not", () => {
  const process = new FakeProcess();
  process.start(60 * MIB);
  process.work(1, 260 * MIB);
  process.idle.rested();
  for (let look = 0; look < 10; look++) {
    process.work(IDLE_SECONDS + 0.01, 260 * MIB);
    process.scheduler.advance(IDLE_LOOK_MS);
  }
  assertEquals(process.reclaims, 0);
  process.work(IDLE_SECONDS - 0.01, 260 * MIB);
  process.scheduler.advance(IDLE_LOOK_MS);
  assertEquals(process.reclaims, 1);
});

Deno.test("idle reclaim: growth of less than is worth it leaves no timer, and is counted from the lowest", () => {
  const process = new FakeProcess();
  process.start(60 * MIB);
  process.work(1, 60 * MIB + LEAST_RECLAIMED_BYTES - 1);
  process.idle.rested();
  process.scheduler.advance(IDLE_LOOK_MS);
  assertEquals(process.scheduler.timerCount, 0);
  process.work(0, 50 * MIB);
  process.idle.rested();
  process.scheduler.advance(IDLE_LOOK_MS);
  assertEquals(process.reclaims, 0);
  process.work(0, 50 * MIB + LEAST_RECLAIMED_BYTES);
  process.idle.rested();
  process.scheduler.advance(IDLE_LOOK_MS);
  assertEquals(process.reclaims, 1);
});

Deno.test("idle reclaim: while a look is due, rests cost none", () => {
  const process = new FakeProcess();
  process.idle.rested();
  const { looks } = process;
  for (let i = 0; i < 100; i++) process.idle.rested();
  assertEquals(process.looks, looks);
  assertEquals(process.scheduler.timerCount, 1);
});

Deno.test("idle reclaim: nothing is done where the system does not say what the process uses", () => {
  const process = new FakeProcess();
  process.usage = null;
  process.idle.rested();
  assertEquals(process.scheduler.timerCount, 0);
});

Deno.test("process usage: CPU time and resident memory of this process, or null without /proc", () => {
  const usage = readProcessUsage(Deno.readTextFileSync);
  assert(usage !== null, "no /proc");
  assert(usage.cpuSeconds > 0, `${usage.cpuSeconds} s`);
  assert(Math.abs(usage.residentBytes - Deno.memoryUsage().rss) < 32 * MIB, `${usage.residentBytes} bytes`);
  assertEquals(readProcessUsage(() => ""), null);
});
