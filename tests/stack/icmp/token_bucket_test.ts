import { assertEquals } from "../../assert.ts";
import { TokenBucket } from "../../../stack/icmp/token_bucket.ts";

Deno.test("a token bucket holds no more than its burst", () => {
  const bucket = new TokenBucket(2, 3);
  const take = (now: number) => [1, 2, 3, 4].filter(() => bucket.take(now)).length;
  assertEquals([take(0), take(0), take(500), take(999), take(1000), take(1_000_000)], [3, 0, 1, 0, 1, 3]);
});
