/**
 * The common header of ICMP (RFC 792) and ICMPv6 (RFC 4443).
 *
 *     | type (1) | code (1) | checksum (2) | rest of the header (4) | data ...
 *
 * @module
 */
import { copyShort, get16, get32, put16, put32 } from "../base/bytes.ts";

const TYPE = 0;
const CODE = 1;
/** Offset of the checksum field. */
export const ICMP_CHECKSUM = 2;
const REST = 4;

/** The length of the header. */
export const ICMP_HEADER = 8;

/** The message's type. */
export function icmpType(bytes: Uint8Array, offset: number): number {
  return bytes[offset + TYPE];
}

/** The message's code, which distinguishes kinds of one type. */
export function icmpCode(bytes: Uint8Array, offset: number): number {
  return bytes[offset + CODE];
}

/** The rest of the header as one number, such as the MTU of ICMPv6's packet too big. */
export function icmpRest(bytes: Uint8Array, offset: number): number {
  return get32(bytes, offset + REST);
}

/** The lower half of the rest of the header: the next-hop MTU of fragmentation needed (RFC 1191, section 4). */
export function icmpNextHopMtu(bytes: Uint8Array, offset: number): number {
  return get16(bytes, offset + REST + 2);
}

/** Writes a header at `offset`, with checksum 0. */
export function putIcmp(bytes: Uint8Array, offset: number, type: number, code: number, rest: number): void {
  bytes[offset + TYPE] = type;
  bytes[offset + CODE] = code;
  put16(bytes, offset + ICMP_CHECKSUM, 0);
  put32(bytes, offset + REST, rest);
}

/** Writes the header of an echo reply at `at`: identifier and sequence number are those of the request. */
export function putEchoReply(
  bytes: Uint8Array,
  at: number,
  type: number,
  request: Uint8Array,
  requestAt: number,
): void {
  putIcmp(bytes, at, type, 0, 0);
  copyShort(request, requestAt + REST, bytes, at + REST, 4);
}
