import { assert, assertEquals, assertFields } from "../../../assert.ts";
import { RoundTripTime } from "../../../../stack/tcp/sending/rtt.ts";

Deno.test("the timeout is a second before any measurement, and doubles", () => {
  const rtt = new RoundTripTime();
  assertEquals(rtt.timeout, 1000);
  rtt.backOff();
  assertEquals(rtt.timeout, 2000);
  for (let i = 0; i < 100; i++) rtt.backOff();
  assertEquals(rtt.timeout, 60_000);
});

Deno.test("measurements are smoothed as in RFC 6298", () => {
  const rtt = new RoundTripTime();
  rtt.measure(400);
  assertFields(rtt, { smoothed: 400, timeout: 400 + 4 * 200 });
  rtt.measure(200); // variation: 3/4 of 200 and 1/4 of 200
  assertFields(rtt, { smoothed: 375, timeout: 375 + 4 * 200 });
  for (let i = 0; i < 200; i++) rtt.measure(300);
  assert(Math.abs(rtt.smoothed - 300) < 1 && rtt.timeout < 303);
});

Deno.test("the timeout stays within its bounds, and a measurement ends the backoff", () => {
  const rtt = new RoundTripTime();
  rtt.measure(0.05);
  assertEquals(rtt.timeout, 200);
  rtt.backOff();
  assertEquals(rtt.timeout, 400);
  rtt.measure(0.05);
  assertEquals(rtt.timeout, 200);
  rtt.measure(2 ** 31);
  assertEquals(rtt.timeout, 60_000);
});
