/**
 * Reads text files of /proc. Deno requires all permissions for any file there, whatever its content; system calls need
 * only `--allow-ffi`. The read happens in the calling thread, which `/proc/thread-self` refers to.
 *
 * @module
 */
import { check, SystemError } from "./errors.ts";
import { cString, libc } from "./libc.ts";
import { OwnedDescriptor } from "./owned_descriptor.ts";
import { O_CLOEXEC, O_RDONLY } from "./constants/file.ts";

/** Most files of /proc are shorter. */
const FIRST_READ_SIZE = 4 * 1024;

/** The size of the reads of a longer file. */
const READ_SIZE = 64 * 1024;

/** Reads a whole text file. Throws a SystemError. */
export function readTextFile(path: string): string {
  const decoder = new TextDecoder();
  const parts = readParts(path, (part) => decoder.decode(part, { stream: true }));
  return parts.join("") + decoder.decode();
}

/** Reads a whole file of any content. Throws a SystemError. */
export function readBytes(path: string): Uint8Array<ArrayBuffer> {
  const parts = readParts(path, (part) => part.slice());
  const bytes = new Uint8Array(new ArrayBuffer(parts.reduce((sum, part) => sum + part.length, 0)));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function readParts<T>(path: string, take: (part: Uint8Array<ArrayBuffer>) => T): T[] {
  const c = libc();
  using file = new OwnedDescriptor(check(c.open(cString(path), O_RDONLY | O_CLOEXEC, 0), "open", path));
  let buffer = new Uint8Array(new ArrayBuffer(FIRST_READ_SIZE));
  const parts: T[] = [];
  for (;;) {
    const length = check(c.readBuffer(file.fd, buffer, BigInt(buffer.length)), "read", path);
    if (length === 0) return parts;
    parts.push(take(buffer.subarray(0, length)));
    if (length > FIRST_READ_SIZE / 2 && buffer.length < READ_SIZE) {
      buffer = new Uint8Array(new ArrayBuffer(READ_SIZE));
    }
  }
}

/** As {@linkcode readTextFile}, but returns "" if the file does not exist or can't be read. */
export function readTextFileIfThere(path: string): string {
  try {
    return readTextFile(path);
  } catch (error) {
    if (error instanceof SystemError) return "";
    throw error;
  }
}
