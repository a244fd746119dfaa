/**
 * Unix sockets for tests, by system calls: pairs of connected ones, and the peers of a device's socket.
 *
 * @module
 */
import { errno } from "../../../ffi/libc/libc.ts";
import { assert } from "../../assert.ts";

const AF_UNIX = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

const { symbols } = Deno.dlopen("libc.so.6", {
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
});

/** Two connected sockets of a type. Like inherited ones, they are not closed on exec. */
export function socketPair(type: number): [number, number] {
  const fds = new Int32Array(2);
  assert(symbols.socketpair(AF_UNIX, type, 0, fds) === 0);
  return [fds[0], fds[1]];
}

/** A socket that is neither bound nor connected. */
export function newSocket(type: number): number {
  const fd = symbols.socket(AF_UNIX, type, 0);
  assert(fd >= 0);
  return fd;
}

/** A socket bound to a path. */
export function boundSocket(type: number, path: string): number {
  const fd = newSocket(type);
  const name = unixName(path);
  assert(symbols.bind(fd, name, name.length) === 0);
  return fd;
}

/** Connects a socket to a path. */
export function connectTo(fd: number, path: string): void {
  const name = unixName(path);
  assert(symbols.connect(fd, name, name.length) === 0);
}

/** Returns the number of bytes sent; -1 if it would block. */
export function send(fd: number, bytes: Uint8Array<ArrayBuffer>): number {
  return Number(symbols.send(fd, bytes, BigInt(bytes.length), MSG_DONTWAIT | MSG_NOSIGNAL));
}

/** Returns the message received; null if there is none. */
export function receive(fd: number, size = 70_000): Uint8Array<ArrayBuffer> | null {
  const bytes = new Uint8Array(size);
  const count = Number(symbols.recv(fd, bytes, BigInt(size), MSG_DONTWAIT));
  return count < 0 ? null : bytes.subarray(0, count);
}

/** Closes a descriptor. */
export function close(fd: number): void {
  assert(symbols.close(fd) === 0, `close ${fd}: ${errno()}`);
}

function unixName(path: string): Uint8Array<ArrayBuffer> {
  const name = new Uint8Array(110);
  name[0] = AF_UNIX;
  name.set(new TextEncoder().encode(path), 2);
  return name;
}
