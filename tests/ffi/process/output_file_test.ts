import { SystemError } from "../../../ffi/libc/errors.ts";
import { libc } from "../../../ffi/libc/libc.ts";
import { OutputFile } from "../../../ffi/process/output_file.ts";
import { assert, assertEquals, assertFields, assertThrows } from "../../assert.ts";
import { run } from "../bed/namespace.ts";

libc();

const BYTES = new TextEncoder().encode("0123456789");

Deno.test("a file is emptied, written and truncated", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "what was there before, and was longer");
    const file = OutputFile.create(path);
    assertEquals(file.write(BYTES, 2, 10), 8);
    assertEquals(await Deno.readTextFile(path), "23456789");
    file.truncate(3);
    file.close();
    file.close();
    assertEquals(await Deno.readTextFile(path), "234");
    assertThrows(() => OutputFile.create("/nonexistent/x"), SystemError, "/nonexistent/x");
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("appending writes at the end of the file, also after another program truncated it", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "before ");
    const file = OutputFile.append(path);
    file.write(BYTES, 0, 3);
    assertEquals(await Deno.readTextFile(path), "before 012", "the file's content stays");
    await Deno.truncate(path, 0); // as logrotate's copytruncate does
    file.write(BYTES, 3, 6);
    assertEquals(await Deno.readTextFile(path), "345", "no gap before it");
    file.close();
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("a full disk is reported", () => {
  const full = OutputFile.create("/dev/full");
  const error = assertThrows(() => full.write(BYTES, 0, 10), SystemError);
  assertFields(error, { syscall: "write", code: "ENOSPC", subject: "/dev/full" });
  full.close();
});

Deno.test("a pipe whose reader pauses does not block the writer", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/pipe`;
  try {
    await run("mkfifo", path);
    const reader = await Deno.open(path, { read: true, write: true }); // so that open does not wait for a writer
    const pipe = OutputFile.create(path);
    const much = new Uint8Array(1024 * 1024);
    let taken = 0;
    for (;;) {
      const count = pipe.write(much, taken, much.length);
      if (count === 0) break;
      taken += count;
    }
    assert(taken >= 4096 && taken < much.length, `a pipe took ${taken} bytes`);
    let read = 0;
    while (read < taken) read += (await reader.read(new Uint8Array(taken - read))) ?? 0;
    assertEquals(pipe.write(BYTES, 0, 10), 10, "there is room again");
    assertThrows(() => pipe.truncate(0), SystemError, "EINVAL");
    reader.close();
    assertEquals(assertThrows(() => pipe.write(BYTES, 0, 10), SystemError).code, "EPIPE");
    pipe.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
