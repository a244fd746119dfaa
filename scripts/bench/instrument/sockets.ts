/**
 * Sockets for the instrument, by descriptor.
 *
 * @module
 */
import { check, libc } from "./libc.ts";

// bits/socket.h, asm-generic/socket.h, linux/tcp.h, asm-generic/errno*.h; the same on x86-64 and arm64
const AF_INET = 2;
const AF_INET6 = 10;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;
const SO_RCVBUFFORCE = 33;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_WAITFORONE = 0x1_0000;
export const EAGAIN = 11;
export const ECONNREFUSED = 111;
export const EINPROGRESS = 115;

const ONE = new Int32Array([1]);

/** `struct sockaddr_in` or `sockaddr_in6` of an address in text. */
export function sockaddr(address: string, port: number): Uint8Array<ArrayBuffer> {
  const six = address.includes(":");
  const bytes = new Uint8Array(six ? 28 : 16);
  new DataView(bytes.buffer).setUint16(0, six ? AF_INET6 : AF_INET, true);
  new DataView(bytes.buffer).setUint16(2, port);
  const text = new TextEncoder().encode(`${address}\0`);
  if (libc.inet_pton(six ? AF_INET6 : AF_INET, text, bytes.subarray(six ? 8 : 4)) !== 1) {
    throw new Error(`not an address: ${address}`);
  }
  return bytes;
}

/** A socket of that type for such an address. */
export function openSocket(address: Uint8Array<ArrayBuffer>, type: number): number {
  const fd = check(libc.socket(address[0], type, 0), "socket");
  if ((type & SOCK_STREAM) !== 0) check(libc.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, ONE, 4), "TCP_NODELAY");
  return fd;
}

/** A listening socket, or a datagram socket with a large receive buffer. Port 0 in the address: any free port. */
export function bindSocket(address: Uint8Array<ArrayBuffer>, type: number): number {
  const fd = openSocket(address, type);
  check(libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, ONE, 4), "SO_REUSEADDR");
  check(libc.bind(fd, address, address.length), "bind");
  if ((type & SOCK_STREAM) !== 0) check(libc.listen(fd, 4096), "listen");
  else enlargeReceiveBuffer(fd);
  return fd;
}

/** Makes blocking calls fail after that many ms. */
export function setPatience(fd: number, milliseconds: number): void {
  const timeval = new BigInt64Array([BigInt(Math.floor(milliseconds / 1000)), BigInt(milliseconds % 1000 * 1000)]);
  check(libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeval, 16), "SO_RCVTIMEO");
  check(libc.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, timeval, 16), "SO_SNDTIMEO");
}

/** A large buffer measures the carrier of the datagrams, not how promptly the scheduler runs their reader. */
export function enlargeReceiveBuffer(fd: number): void {
  check(libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, new Int32Array([1 << 22]), 4), "SO_RCVBUFFORCE");
}

/** A connected socket, whose calls fail after `patience` ms. Throws when it can't be made. */
export function connectSocket(address: Uint8Array<ArrayBuffer>, type: number, patience: number): number {
  const fd = openSocket(address, type);
  try {
    setPatience(fd, patience);
    check(libc.connect(fd, address, address.length), "connect");
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** The errno of a finished connection attempt; 0: it succeeded. */
export function connectResult(fd: number): number {
  const [value, length] = [new Int32Array(1), new Uint32Array([4])];
  check(libc.getsockopt(fd, SOL_SOCKET, SO_ERROR, value, length), "SO_ERROR");
  return value[0];
}

/** The local port of a socket. */
export function boundPort(fd: number): number {
  const [address, length] = [new Uint8Array(28), new Uint32Array([28])];
  check(libc.getsockname(fd, address, length), "getsockname");
  return new DataView(address.buffer).getUint16(2);
}
