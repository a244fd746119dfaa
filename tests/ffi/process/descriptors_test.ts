import { openDescriptors } from "../../../ffi/process/descriptors.ts";
import { libc } from "../../../ffi/libc/libc.ts";
import { assert, assertEquals } from "../../assert.ts";

libc();

Deno.test("open descriptors are counted", async () => {
  const before = openDescriptors(1024);
  assert(before >= 3, `${before} are open`);
  const files = await Promise.all(Array.from({ length: 20 }, () => Deno.open("/dev/null")));
  assertEquals(openDescriptors(1024), before + 20);
  for (const file of files) file.close();
  assertEquals(openDescriptors(1024), before);
  assertEquals(
    [...Deno.readDirSync("/proc/self/fd")].length - 1,
    before,
    "without the descriptor of the listing itself",
  );
  assertEquals(openDescriptors(Infinity), before);
});
