import { ENOENT, ENOTDIR } from "../../../ffi/libc/errors.ts";
import { cString, errno, libc } from "../../../ffi/libc/libc.ts";
import { assert, assertEquals } from "../../assert.ts";

const { open, close, readBuffer, getppid, strerror, environ, epoll_pwait2, poll } = libc();

Deno.test("libc: a function that is called through its address returns its result and leaves its errno", () => {
  assertEquals(open(cString("/proc/self/no such file"), 0, 0), -1, "no such file");
  assertEquals(errno(), ENOENT, "no such file: errno");
  assertEquals(open(cString("/proc/version/x"), 0, 0), -1, "not a folder");
  assertEquals(errno(), ENOTDIR, "not a folder: errno");
  assertEquals(getppid(), Deno.ppid, "no parameters");
  const text = strerror(ENOENT);
  assert(text !== null, "an address as a result");
  assertEquals(Deno.UnsafePointerView.getCString(text), "No such file or directory", "what it points to");
});

Deno.test("libc: a function that is called often, on what another has opened", () => {
  const fd = open(cString("/proc/version"), 0, 0);
  const bytes = new Uint8Array(5);
  assertEquals(readBuffer(fd, bytes, 5n), 5, "read");
  assertEquals(new TextDecoder().decode(bytes), "Linux", "what was read");
  assertEquals(poll(new Uint8Array(0), 0n, 0), 0, "poll");
  assertEquals(close(fd), 0, "close");
});

Deno.test("libc: functions that the library has are there, and its variables", () => {
  for (const [name, called] of Object.entries(libc())) {
    assert(typeof called === (name === "environ" ? "object" : "function") && called !== null, name);
  }
  assert(epoll_pwait2 !== null, "an optional one");
  assert(environ !== null, "a variable");
});
