import { assertEquals } from "../../assert.ts";
import { TokenBucket } from "../../../stack/icmp/token_bucket.ts";

Deno.test("a token bucket holds no more than its burst", () => {
  const bucket = new TokenBucket(2, 3);
  const take = (now: number) => [1, 2, 3, 4].filter(() => bucket.take(now)).length;
  assertEquals([take(0), take(0), take(500), take(999), take(1000), take(1_000_000)], [3, 0, 1, 0, 1, 3]);
});

Deno.test("a token bucket counts what was taken within the last second", () => {
  const bucket = new TokenBucket(10, 10);
  for (let i = 0; i < 3; i++) bucket.take(100);
  assertEquals([bucket.recent(100), bucket.recent(1099), bucket.recent(1100)], [3, 3, 0]);
  bucket.take(5000);
  assertEquals(bucket.recent(5000), 1);
  assertEquals(new TokenBucket(0, 0).take(1), false);
});
