import { MAX_COPIED_BYTES, SMALL_COPY } from "../../../forward/limits/limits.ts";
import { SendCopies } from "../../../forward/host/send_copies.ts";
import { assert, assertEquals } from "../../assert.ts";

Deno.test("SendCopies: small ones share buffers over time, large ones don't stay", () => {
  const copies = new SendCopies();
  const bytes = Uint8Array.from({ length: 5_000 }, (_, i) => i);
  const first = copies.make(bytes, 2, 3)!;
  assertEquals([...first], [2, 3, 4]);
  const second = copies.make(bytes, 0, 1)!;
  assert(second.buffer !== first.buffer);
  copies.release(first);
  assert(copies.make(bytes, 0, SMALL_COPY)!.buffer === first.buffer);
  const large = copies.make(bytes, 0, 5_000)!;
  copies.release(large);
  assert(copies.make(bytes, 0, 5_000)!.buffer !== large.buffer);
});

Deno.test("SendCopies: all together are bounded, and what is given back counts no more", () => {
  const copies = new SendCopies();
  const bytes = new Uint8Array(60_000);
  const made: Uint8Array<ArrayBuffer>[] = [];
  for (;;) {
    const copy = copies.make(bytes, 0, bytes.length);
    if (copy === null) break;
    made.push(copy);
  }
  assertEquals(made.length, Math.floor(MAX_COPIED_BYTES / bytes.length));
  copies.release(made.pop()!);
  assert(copies.make(bytes, 0, bytes.length) !== null);
  assertEquals(copies.make(bytes, 0, bytes.length), null);
});
