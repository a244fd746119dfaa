import { LEAST_PEAK } from "../../../forward/limits/limits.ts";
import { RECLAIM_PATIENCE_MS, RECLAIM_QUIET_MS, RECLAIM_REST_MS } from "../../../forward/limits/timeouts.ts";
import { CrowdReclaim } from "../../../forward/memory/crowd_reclaim.ts";
import { assertEquals } from "../../assert.ts";
import { FakeScheduler } from "../bed/fakes.ts";

class Crowd {
  readonly scheduler = new FakeScheduler();
  /** How many were left each time. */
  readonly reclaimed: number[] = [];
  private live = 0;
  private readonly reclaim = new CrowdReclaim(this.scheduler, () => this.live, () => this.reclaimed.push(this.live));

  come(count: number): void {
    this.live += count;
  }

  go(count: number): void {
    for (let i = 0; i < count; i++) {
      this.live--;
      this.reclaim.ended();
    }
  }
}

Deno.test("reclaim: once, when a quarter of many is left and they become no fewer", () => {
  const crowd = new Crowd();
  crowd.come(10_000);
  crowd.go(7_499);
  assertEquals(crowd.scheduler.timerCount, 0);
  crowd.go(1);
  assertEquals(crowd.scheduler.timerCount, 1);
  crowd.go(500);
  crowd.scheduler.advance(RECLAIM_QUIET_MS);
  assertEquals(crowd.reclaimed, [], "crowd reclaimed");
  assertEquals(crowd.scheduler.timerCount, 1, "crowd scheduler timer count");
  crowd.scheduler.advance(RECLAIM_QUIET_MS - 1);
  assertEquals(crowd.reclaimed, []);
  crowd.scheduler.advance(1);
  assertEquals(crowd.reclaimed, [2_000], "crowd reclaimed");
  assertEquals(crowd.scheduler.timerCount, 0, "crowd scheduler timer count");
  crowd.go(1_499); // a quarter of the 2,000 is still there
  crowd.scheduler.advance(60_000);
  assertEquals(crowd.reclaimed, [2_000]);
  crowd.go(1);
  crowd.scheduler.advance(60_000);
  assertEquals(crowd.reclaimed, [2_000, 500]);
  crowd.go(500);
  assertEquals(crowd.scheduler.timerCount, 0);
});

Deno.test("reclaim: not later than 3 seconds after it could be, though they become fewer one by one", () => {
  const crowd = new Crowd();
  crowd.come(10_000);
  crowd.go(7_500);
  for (let passed = 0; passed < RECLAIM_PATIENCE_MS; passed += RECLAIM_QUIET_MS) {
    assertEquals(crowd.reclaimed, []);
    crowd.go(1);
    crowd.scheduler.advance(RECLAIM_QUIET_MS);
  }
  assertEquals(crowd.reclaimed, [2_500 - RECLAIM_PATIENCE_MS / RECLAIM_QUIET_MS]);
});

Deno.test("reclaim: never where there were few, however many have come and gone", () => {
  const crowd = new Crowd();
  for (let i = 0; i < 5_000; i++) {
    crowd.come(2);
    crowd.go(i % 2 + 1);
    if (i % 10 === 9) crowd.go(5);
  }
  crowd.come(LEAST_PEAK - 1);
  crowd.go(LEAST_PEAK - 1);
  assertEquals(crowd.scheduler.timerCount, 0);
  crowd.come(LEAST_PEAK);
  crowd.go(LEAST_PEAK);
  crowd.scheduler.advance(2 * RECLAIM_QUIET_MS);
  assertEquals(crowd.reclaimed, [0]);
});

Deno.test("reclaim: not when they have come back meanwhile; but when those go", () => {
  const crowd = new Crowd();
  crowd.come(2_000);
  crowd.go(2_000);
  crowd.scheduler.advance(RECLAIM_QUIET_MS / 2);
  crowd.come(1_000);
  crowd.scheduler.advance(60_000);
  assertEquals(crowd.reclaimed, [], "crowd reclaimed");
  assertEquals(crowd.scheduler.timerCount, 0, "crowd scheduler timer count");
  crowd.go(1_000);
  crowd.scheduler.advance(2 * RECLAIM_QUIET_MS);
  assertEquals(crowd.reclaimed, [0]);
});

Deno.test("reclaim: crowds that come and go all the time cost one in 10 seconds", () => {
  const crowd = new Crowd();
  for (let second = 0; second < 101; second += 4) {
    crowd.come(2_000);
    crowd.go(2_000);
    crowd.scheduler.advance(4_000);
  }
  const seconds = crowd.scheduler.time / 1000;
  assertEquals(crowd.reclaimed.every((left) => left === 0), true);
  assertEquals(crowd.reclaimed.length <= seconds / (RECLAIM_REST_MS / 1000) + 1, true, `${crowd.reclaimed.length}`);
  assertEquals(crowd.reclaimed.length >= 8, true, `${crowd.reclaimed.length}`);
  crowd.scheduler.advance(60_000);
  assertEquals(crowd.scheduler.timerCount, 0);
});
