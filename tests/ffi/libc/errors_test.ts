import { check, EAGAIN, EBADF, errnoName, errnoText, SystemError } from "../../../ffi/libc/errors.ts";
import { cString, errno, libc } from "../../../ffi/libc/libc.ts";
import { assertEquals, assertThrows } from "../../assert.ts";

libc();

Deno.test("a failed call leaves its reason in errno", () => {
  assertEquals(libc().close(-1), -1);
  assertEquals(errno(), EBADF);
});

Deno.test("check returns results and throws for failures", () => {
  assertEquals(check(7, "open", "x"), 7);
  libc().close(-1);
  const error = assertThrows(() => check(-1, "close", "descriptor -1"), SystemError);
  assertEquals(error.errno, EBADF);
  assertEquals(error.code, "EBADF");
  assertEquals(error.syscall, "close");
  assertEquals(error.subject, "descriptor -1");
});

Deno.test("a SystemError names the call, its subject and the reason", () => {
  assertEquals(
    new SystemError("ioctl(TUNSETIFF)", 1, "tun0").message,
    "ioctl(TUNSETIFF) on tun0: Operation not permitted (EPERM)",
  );
  assertEquals(
    new SystemError("epoll_create1", 24, "", "too many files").message,
    "epoll_create1: Too many open files (EMFILE): too many files",
  );
});

Deno.test("errno names are those of the kernel", () => {
  assertEquals(errnoName(1), "EPERM");
  assertEquals(errnoName(EAGAIN), "EAGAIN");
  assertEquals(errnoName(77), "EBADFD");
  assertEquals(errnoName(111), "ECONNREFUSED");
  assertEquals(errnoName(133), "EHWPOISON");
  assertEquals(errnoName(41), "E41"); // a hole in the table
  assertEquals(errnoName(4711), "E4711");
  assertEquals(errnoText(22), "Invalid argument");
});

Deno.test("a C string ends with NUL and can't contain another", () => {
  assertEquals(cString("é"), new Uint8Array([0xc3, 0xa9, 0]));
  assertThrows(() => cString("a\0b"), TypeError);
});
