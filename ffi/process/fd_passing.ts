/**
 * A pair of connected Unix sockets, one of which another program inherits, and messages between them that carry a
 * descriptor: unix(7), SCM_RIGHTS.
 *
 * A control message is `struct cmsghdr` (bits/socket.h) and the descriptor:
 *
 *     0 length (64)   8 level (32)   12 type (32)   16 descriptor (32)   20 padding
 *
 * @module
 */
import { check, ECONNRESET, EINTR, EPIPE, SystemError } from "../libc/errors.ts";
import { errno, libc } from "../libc/libc.ts";
import { MachineBlock } from "../libc/memory.ts";
import { Message } from "../libc/message.ts";
import {
  AF_UNIX,
  MSG_CMSG_CLOEXEC,
  MSG_NOSIGNAL,
  SCM_RIGHTS,
  SOCK_CLOEXEC,
  SOCK_SEQPACKET,
  SOL_SOCKET,
} from "../libc/constants/socket.ts";

const CONTROL_SIZE = 24;
const CONTROL_LENGTH = 20;
/** Messages are short texts; longer content is sent in parts. */
const MAX_MESSAGE = 16 * 1024;

/** Two connected sockets that keep messages apart. Neither is inherited. Throws a SystemError. */
export function messageSockets(): [number, number] {
  const fds = new Int32Array(new ArrayBuffer(8));
  check(libc().socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), "socketpair", "");
  return [fds[0], fds[1]];
}

/** A pipe: its reading end, then its writing end. Neither is inherited. Throws a SystemError. */
export function pipe(): [number, number] {
  const fds = new Int32Array(new ArrayBuffer(8));
  check(libc().pipe2(fds, SOCK_CLOEXEC), "pipe2", "");
  return [fds[0], fds[1]];
}

/**
 * Sends a text of at most 16 KiB, and with it a descriptor if one is given. Returns whether the other side's socket is
 * still open. Throws a SystemError for any other failure.
 */
export function sendMessage(socket: number, text: string, fd?: number): boolean {
  return send(socket, new TextEncoder().encode(text), fd);
}

/**
 * Sends bytes in parts: first their number, then up to 16 KiB at a time. Blocks the whole program while the other side
 * is slow to read. Returns whether the other side's socket is still open. Throws a SystemError for any other failure.
 */
export function sendParts(socket: number, bytes: Uint8Array): boolean {
  if (!sendMessage(socket, String(bytes.length))) return false;
  for (let at = 0; at < bytes.length; at += MAX_MESSAGE) {
    if (!send(socket, bytes.subarray(at, at + MAX_MESSAGE))) return false;
  }
  return true;
}

/**
 * Receives the bytes of {@linkcode sendParts}. Blocks the whole program. Null: the other side has closed its socket.
 */
export function receiveParts(socket: number): Uint8Array<ArrayBuffer> | null {
  const length = receiveMessage(socket);
  if (length === null) return null;
  const bytes = new Uint8Array(new ArrayBuffer(Number(length.text)));
  for (let at = 0; at < bytes.length;) {
    const part = receive(socket);
    if (part === null) return null;
    bytes.set(part.bytes, at);
    at += part.bytes.length;
  }
  return bytes;
}

function send(socket: number, bytes: Uint8Array, fd?: number): boolean {
  if (bytes.length > MAX_MESSAGE) throw new RangeError(`a message of ${bytes.length} bytes`);
  const block = new MachineBlock(Math.max(bytes.length, 1));
  block.bytes.set(bytes);
  const message = new Message(fd === undefined ? {} : { control: CONTROL_SIZE });
  message.setPart(0, block.address, bytes.length);
  if (fd !== undefined) {
    const control = new DataView(message.control.buffer, message.control.byteOffset);
    control.setUint32(0, CONTROL_LENGTH, true);
    control.setInt32(8, SOL_SOCKET, true);
    control.setInt32(12, SCM_RIGHTS, true);
    control.setInt32(16, fd, true);
    message.controlLength = CONTROL_SIZE;
  }
  while (libc().sendmsg(socket, message.pointer, MSG_NOSIGNAL) < 0) {
    const reason = errno();
    if (reason === EPIPE || reason === ECONNRESET) return false; // ECONNRESET: it closed with unread messages
    if (reason !== EINTR) throw new SystemError("sendmsg", reason, "the helper's socket");
  }
  return true;
}

/** A message that arrived. */
export interface Received {
  readonly text: string;
  /** The descriptor that came with it, which the receiver owns now and children don't inherit; -1: none. */
  readonly fd: number;
}

/**
 * Blocks the whole program until a message comes. Null: the other side has closed its socket, with or without unread
 * messages. Throws a SystemError.
 */
export function receiveMessage(socket: number): Received | null {
  const received = receive(socket);
  return received === null ? null : { text: new TextDecoder().decode(received.bytes), fd: received.fd };
}

function receive(socket: number): { readonly bytes: Uint8Array; readonly fd: number } | null {
  const block = new MachineBlock(MAX_MESSAGE);
  const message = new Message({ control: CONTROL_SIZE });
  message.setPart(0, block.address, MAX_MESSAGE);
  message.prepareReceive();
  let length: number;
  do length = libc().recvmsg(socket, message.pointer, MSG_CMSG_CLOEXEC); while (length < 0 && errno() === EINTR);
  if (length < 0 && errno() === ECONNRESET) return null;
  if (length < 0) throw new SystemError("recvmsg", errno(), "the helper's socket");
  if (length === 0) return null;
  const control = new DataView(message.control.buffer, message.control.byteOffset);
  const passed = message.controlLength >= CONTROL_LENGTH && control.getInt32(12, true) === SCM_RIGHTS;
  return {
    bytes: block.bytes.subarray(0, length),
    fd: passed ? control.getInt32(16, true) : -1,
  };
}
