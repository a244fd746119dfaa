import { childState, waitForEnd } from "../../../ffi/process/child.ts";
import { SystemError } from "../../../ffi/libc/errors.ts";
import {
  messageSockets,
  pipe,
  receiveMessage,
  receiveParts,
  sendMessage,
  sendParts,
} from "../../../ffi/process/fd_passing.ts";
import { libc } from "../../../ffi/libc/libc.ts";
import { spawn } from "../../../ffi/process/spawn.ts";
import { assert, assertEquals, assertThrows } from "../../assert.ts";

const c = libc();

function readAll(fd: number): string {
  let text = "";
  const bytes = new Uint8Array(new ArrayBuffer(64));
  for (;;) {
    const length = c.readBuffer(fd, bytes, 64n);
    if (length <= 0) return text;
    text += new TextDecoder().decode(bytes.subarray(0, length));
  }
}

Deno.test("messages keep their boundaries and carry descriptors; the end is null", () => {
  const [a, b] = messageSockets();
  const [reads, writes] = pipe();
  assert(sendMessage(a, "one", writes), "the first is sent");
  assert(sendMessage(a, "two"), "the second is sent");
  c.close(writes);
  const first = receiveMessage(b)!;
  assertEquals(first.text, "one");
  assertEquals(receiveMessage(b), { text: "two", fd: -1 });
  c.writeBuffer(first.fd, new TextEncoder().encode("through"), 7n);
  c.close(first.fd);
  assertEquals(readAll(reads), "through");
  c.close(a);
  assertEquals(receiveMessage(b), null);
  assertEquals(sendMessage(b, "to nobody"), false);
  for (const fd of [b, reads]) c.close(fd);
});

Deno.test("parts: any number of bytes, not only text; an end between them is null", () => {
  const [a, b] = messageSockets();
  for (const size of [0, 1, 16 * 1024, 100_001]) {
    const bytes = Uint8Array.from({ length: size }, (_, i) => 255 - i % 251);
    assertEquals(sendParts(a, bytes), true);
    assertEquals(receiveParts(b), bytes, `${size} bytes`);
  }
  sendMessage(a, "20000");
  c.close(a);
  assertEquals(receiveParts(b), null);
  assertEquals(sendParts(b, new Uint8Array(1)), false);
  c.close(b);
  const [left, right] = messageSockets();
  sendMessage(left, "never read");
  c.close(right);
  assertEquals(sendParts(left, new Uint8Array(1)), false, "the other side has closed with a message unread");
  c.close(left);
});

Deno.test("a child gets the given stdio, and its end is reported as an exit code, as in a shell", () => {
  const [reads, writes] = pipe();
  const pid = spawn(["sh", "-c", "echo $0 $1; exit 3", "two words", "ü"], { stdio: [0, writes, 2] });
  c.close(writes);
  assertEquals(readAll(reads), "two words ü\n");
  assertEquals(waitForEnd(pid), 3);
  assertEquals(waitForEnd(spawn(["sh", "-c", "kill -9 $$"])), 137);
  assertEquals(assertThrows(() => spawn(["/no/such"]), SystemError).code, "ENOENT");
  assertEquals(assertThrows(() => spawn(["/etc/passwd"]), SystemError).code, "EACCES");
  assertEquals(assertThrows(() => childState(pid), SystemError).code, "ECHILD");
  c.close(reads);
});
