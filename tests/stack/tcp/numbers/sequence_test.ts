import { assert, assertEquals } from "../../../assert.ts";
import { seqAdd, seqAfter, seqBefore, seqDiff, seqMax, seqMin } from "../../../../stack/tcp/numbers/sequence.ts";

for (const start of [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1, 2 ** 32 - 1000]) {
  Deno.test(`sequence numbers around ${start}`, () => {
    const a = start | 0;
    for (const length of [1, 999, 1001, 65_536, 2 ** 30, 2 ** 31 - 1]) {
      const b = seqAdd(a, length);
      assertEquals(b, Number(BigInt.asIntN(32, BigInt(start) + BigInt(length))));
      assertEquals(seqDiff(b, a), length, "difference forward");
      assertEquals(seqDiff(a, b), -length, "difference backward");
      assert(seqBefore(a, b) && !seqBefore(b, a) && seqAfter(b, a) && !seqAfter(a, b));
      assertEquals([seqMax(a, b), seqMax(b, a), seqMin(a, b), seqMin(b, a)], [b, b, a, a]);
      assertEquals(seqAdd(b, -length), a);
    }
    assert(!seqBefore(a, a) && !seqAfter(a, a));
    assertEquals(seqDiff(a, a), 0, "difference");
    assertEquals(seqMax(a, a), a, "maximum");
    assertEquals(seqMin(a, a), a, "minimum");
  });
}
