import { SystemError } from "../../../ffi/libc/errors.ts";
import { libc } from "../../../ffi/libc/libc.ts";
import { readTextFile } from "../../../ffi/libc/text_file.ts";
import { assert, assertEquals, assertThrows } from "../../assert.ts";

libc();

Deno.test("readTextFile: a file of /proc, whose size is 0", () => {
  assert(readTextFile("/proc/thread-self/net/route").startsWith("Iface\tDestination"));
});

Deno.test("readTextFile: a file longer than one read, with characters across read boundaries", async () => {
  const path = await Deno.makeTempFile();
  try {
    const text = "x" + "äöü€".repeat(30_000);
    await Deno.writeTextFile(path, text);
    assertEquals(readTextFile(path), text);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("readTextFile: the error names a missing file", () => {
  const error = assertThrows(() => readTextFile("/proc/none"), SystemError, "/proc/none");
  assertEquals(error.code, "ENOENT");
});
