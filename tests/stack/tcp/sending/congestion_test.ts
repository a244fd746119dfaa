import { assert, assertEquals, assertFields } from "../../../assert.ts";
import { Congestion } from "../../../../stack/tcp/sending/congestion.ts";

Deno.test("slow start: the window grows by the acknowledged bytes, if the window limited the sender", () => {
  const congestion = new Congestion(1000);
  assertEquals(congestion.window, 10_000);
  congestion.acknowledge(3000, false);
  assertEquals(congestion.window, 10_000);
  congestion.acknowledge(3000, true);
  assertEquals(congestion.window, 13_000);
});

Deno.test("a loss halves the bytes in flight; then the window grows by a segment per round trip", () => {
  const congestion = new Congestion(1000);
  congestion.enterRecovery(20_001);
  assertFields(congestion, { window: 10_000, threshold: 10_000 }); // whole bytes
  congestion.acknowledge(9999, true);
  assertEquals(congestion.window, 10_000);
  congestion.acknowledge(1, true);
  assertEquals(congestion.window, 11_000);
  congestion.enterRecovery(1000);
  assertEquals(congestion.window, 2000);
});

Deno.test("a timeout cuts the window to one segment and halves the threshold once", () => {
  const congestion = new Congestion(1000);
  congestion.timeout(30_001, true);
  assertFields(congestion, { window: 1000, threshold: 15_000 });
  congestion.timeout(1000, false);
  assertFields(congestion, { window: 1000, threshold: 15_000 });
  assert(Number.isInteger(congestion.threshold));
});

Deno.test("after a pause the window is reset, and never enlarged", () => {
  const congestion = new Congestion(1000);
  congestion.acknowledge(50_000, true);
  congestion.idle();
  assertEquals(congestion.window, 10_000);
  congestion.timeout(2000, true);
  congestion.idle();
  assertEquals(congestion.window, 1000);
});
