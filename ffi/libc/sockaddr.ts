/**
 * Reads and writes `struct sockaddr_in` and `sockaddr_in6` (netinet/in.h) in place. The family is in the machine's byte
 * order, which is little-endian wherever this program runs; port and address are in network order.
 *
 *     in    0 family (16)   2 port (16)   4 address (32)
 *     in6   0 family (16)   2 port (16)   4 flow (32)   8 address (128)   24 scope (32)
 *
 * An IPv4 address within an IPv6 one (`::ffff:192.0.2.1`, RFC 4291 section 2.5.5.2) is read as IPv4.
 *
 * @module
 */
import { type Endpoint, IpAddress, type IpVersion } from "../../stack/base/address.ts";
import { AF_INET, AF_INET6 } from "./constants/socket.ts";

/** Bytes of a `sockaddr_in`, and of a `sockaddr_in6`, the longer. */
const SOCKADDR_IN_SIZE = 16;
export const SOCKADDR_IN6_SIZE = 28;

const PORT = 2;
const ADDRESS4 = 4;
const FLOW = 4;
const ADDRESS6 = 8;
const MAPPED4 = ADDRESS6 + 12;
const SCOPE = 24;

/** The address family of an IP version. */
export function familyOf(version: IpVersion): number {
  return version === 4 ? AF_INET : AF_INET6;
}

/** Writes an address and port at the start of `bytes`; returns the structure's size. */
export function putSockaddr(bytes: Uint8Array, address: IpAddress, port: number): number {
  const four = address.version === 4;
  const own = address.bytes;
  bytes[0] = four ? AF_INET : AF_INET6;
  bytes[1] = 0;
  bytes[PORT] = port >> 8;
  bytes[PORT + 1] = port;
  const at = four ? ADDRESS4 : ADDRESS6;
  for (let i = 0; i < own.length; i++) bytes[at + i] = own[i];
  if (four) return SOCKADDR_IN_SIZE;
  bytes.fill(0, FLOW, FLOW + 4);
  bytes.fill(0, SCOPE, SCOPE + 4);
  return SOCKADDR_IN6_SIZE;
}

/** An address and port as a structure of its own. */
export function sockaddrOf(address: IpAddress, port: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(SOCKADDR_IN6_SIZE));
  return bytes.subarray(0, putSockaddr(bytes, address, port));
}

/** Whether the structure at `at` has an IP address. */
export function isIpSockaddr(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === AF_INET || bytes[at] === AF_INET6;
}

/** The port of the structure at `at`. */
export function sockaddrPort(bytes: Uint8Array, at: number): number {
  return bytes[at + PORT] << 8 | bytes[at + PORT + 1];
}

/** Whether the structure at `at` has this address. */
export function sockaddrIs(bytes: Uint8Array, at: number, address: IpAddress): boolean {
  return isVersion4(bytes, at) === (address.version === 4) && address.isAt(bytes, addressOffset(bytes, at));
}

/** The address in the structure at `at`, which must be of an IP family. */
export function readAddress(bytes: Uint8Array, at: number): IpAddress {
  return IpAddress.at(bytes, addressOffset(bytes, at), isVersion4(bytes, at) ? 4 : 6);
}

/** The address and port in the structure at `at`, which must be of an IP family. */
export function readEndpoint(bytes: Uint8Array, at: number): Endpoint {
  return { address: readAddress(bytes, at), port: sockaddrPort(bytes, at) };
}

function addressOffset(bytes: Uint8Array, at: number): number {
  return at + (bytes[at] === AF_INET ? ADDRESS4 : isMapped(bytes, at) ? MAPPED4 : ADDRESS6);
}

function isVersion4(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === AF_INET || isMapped(bytes, at);
}

function isMapped(bytes: Uint8Array, at: number): boolean {
  if (bytes[at + MAPPED4 - 1] !== 0xff || bytes[at + MAPPED4 - 2] !== 0xff) return false;
  for (let i = at + ADDRESS6; i < at + MAPPED4 - 2; i++) if (bytes[i] !== 0) return false;
  return true;
}
