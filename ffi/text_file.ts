/**
 * Reading text files of /proc. Deno wants all permissions for any file there, whatever is in it; system calls by
 * `--allow-ffi` don't. The read is made on the calling thread, which is what `/proc/thread-self` is about.
 *
 * @module
 */
import { check, SystemError } from "./errors.ts";
import { cString, libc } from "./libc.ts";

const O_RDONLY_CLOEXEC = 0o2000000;
/** Files of /proc come by the page; a routing table is rarely longer than a few. */
const READ_SIZE = 64 * 1024;

/** Reads a text file whole. Throws a SystemError. */
export function readTextFile(path: string): string {
  const c = libc();
  const fd = check(c.open(cString(path), O_RDONLY_CLOEXEC, 0), "open", path);
  try {
    const buffer = new Uint8Array(new ArrayBuffer(READ_SIZE));
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const length = check(c.readBuffer(fd, buffer, BigInt(READ_SIZE)), "read", path);
      if (length === 0) return text + decoder.decode();
      text += decoder.decode(buffer.subarray(0, length), { stream: true });
    }
  } finally {
    c.close(fd);
  }
}

/** The same, but empty where the file is not there or can't be read. */
export function readTextFileIfThere(path: string): string {
  try {
    return readTextFile(path);
  } catch (error) {
    if (error instanceof SystemError) return "";
    throw error;
  }
}
