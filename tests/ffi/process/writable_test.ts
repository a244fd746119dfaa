import { libc } from "../../../ffi/libc/libc.ts";
import { isWritable, WRITABLE_BYTES } from "../../../ffi/process/writable.ts";
import { assert, assertEquals } from "../../assert.ts";

libc();

Deno.test("a pipe is writable until it is full, again after a read, and without a reader", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/pipe`;
  try {
    const { code } = await new Deno.Command("mkfifo", { args: [path] }).output();
    assertEquals(code, 0);
    const O_RDWR_NONBLOCK = 0o2 | 0o4000; // opens without waiting for the other end
    const fd = libc().open(new TextEncoder().encode(`${path}\0`), O_RDWR_NONBLOCK, 0);
    assert(fd >= 0);
    const bytes = new Uint8Array(new ArrayBuffer(WRITABLE_BYTES));
    let written = 0;
    while (isWritable(fd)) {
      assertEquals(libc().writeBuffer(fd, bytes, BigInt(bytes.length)), bytes.length);
      written += bytes.length;
    }
    assert(written > 0);
    assert(libc().writeBuffer(fd, bytes, BigInt(bytes.length)) < bytes.length);
    assertEquals(libc().readBuffer(fd, bytes, BigInt(bytes.length)), bytes.length);
    assertEquals(isWritable(fd), true);
    libc().close(fd);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a file and an invalid descriptor count as writable: the write reports the error", async () => {
  const path = await Deno.makeTempFile();
  const fd = libc().open(new TextEncoder().encode(`${path}\0`), 0o1, 0);
  assert(isWritable(fd), "a file");
  assert(isWritable(9_999), "no descriptor");
  libc().close(fd);
  await Deno.remove(path);
});
