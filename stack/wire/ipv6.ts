/**
 * IPv6's wire format (RFC 8200, section 3). Extension headers are in `ipv6_extensions.ts`.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |version| traffic class |              flow label               |
 *     |        payload length         |  next header  |   hop limit   |
 *     |                   source address (16 bytes)                   |
 *     |                 destination address (16 bytes)                |
 *
 * @module
 */
import { IpAddress } from "../base/address.ts";
import { copyShort, get16, put16, put32 } from "../base/bytes.ts";

const VERSION_CLASS_LABEL = 0;
const PAYLOAD_LENGTH = 4;
const NEXT_HEADER = 6;
const HOP_LIMIT = 7;
const SOURCE = 8;
const DESTINATION = 24;

/** The length of the header. */
export const IPV6_HEADER = 40;

/** The largest payload, extension headers included: the payload length field has 16 bits. */
export const IPV6_MAX_PAYLOAD = 65_535;

/** Every link carries packets of this size (RFC 8200, section 5). */
export const IPV6_MINIMUM_MTU = 1280;

/** All nodes of the link, ff02::1 (RFC 4291, section 2.7.1). */
export const ALL_NODES: IpAddress = IpAddress.parse("ff02::1");

/** The address of a node that has none yet, `::`. */
const UNSPECIFIED6: IpAddress = IpAddress.parse("::");

/**
 * Whether the packet in `bytes[offset..end)` has a whole IPv6 header. If so, the packet ends at
 * `offset + IPV6_HEADER + ipv6PayloadLength(bytes, offset)`, which is at most `end`. (A jumbogram's payload length of 0
 * counts as an empty payload.)
 */
export function isIpv6(bytes: Uint8Array, offset: number, end: number): boolean {
  return end - offset >= IPV6_HEADER && bytes[offset] >> 4 === 6 &&
    ipv6PayloadLength(bytes, offset) <= end - offset - IPV6_HEADER;
}

/** The length of the payload, extension headers included. */
export function ipv6PayloadLength(bytes: Uint8Array, offset: number): number {
  return get16(bytes, offset + PAYLOAD_LENGTH);
}

/** Sets the header's payload length. */
export function setIpv6PayloadLength(bytes: Uint8Array, offset: number, length: number): void {
  put16(bytes, offset + PAYLOAD_LENGTH, length);
}

/** Offset of the payload length field, for parameter problems. */
export function ipv6PayloadLengthAt(offset: number): number {
  return offset + PAYLOAD_LENGTH;
}

/** Offset of the next header field. */
export function ipv6NextHeaderAt(offset: number): number {
  return offset + NEXT_HEADER;
}

/** The hop limit. */
export function ipv6HopLimit(bytes: Uint8Array, offset: number): number {
  return bytes[offset + HOP_LIMIT];
}

/** Offset of the source address. */
export function ipv6Source(offset: number): number {
  return offset + SOURCE;
}

/** Offset of the destination address. */
export function ipv6Destination(offset: number): number {
  return offset + DESTINATION;
}

/** Writes a header at `offset`, with traffic class and flow label 0. */
export function putIpv6(
  bytes: Uint8Array,
  offset: number,
  payloadLength: number,
  nextHeader: number,
  hopLimit: number,
  source: IpAddress,
  destination: IpAddress,
): void {
  put32(bytes, offset + VERSION_CLASS_LABEL, 0x60000000);
  put16(bytes, offset + PAYLOAD_LENGTH, payloadLength);
  bytes[offset + NEXT_HEADER] = nextHeader;
  bytes[offset + HOP_LIMIT] = hopLimit;
  copyShort(source.bytes, 0, bytes, offset + SOURCE, 16);
  copyShort(destination.bytes, 0, bytes, offset + DESTINATION, 16);
}

/** Whether the address at `offset` is ff00::/8. */
export function isMulticast6(bytes: Uint8Array, offset: number): boolean {
  return bytes[offset] === 0xff;
}

/** Whether the address at `offset` is `::`. */
export function isUnspecified6(bytes: Uint8Array, offset: number): boolean {
  return UNSPECIFIED6.isAt(bytes, offset);
}

/** Whether the address at `offset` is `::1`. */
export function isLoopback6(bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < 15; i++) if (bytes[offset + i] !== 0) return false;
  return bytes[offset + 15] === 1;
}

/** Whether the address at `offset` is in fe80::/10. */
export function isLinkLocal6(bytes: Uint8Array, offset: number): boolean {
  return bytes[offset] === 0xfe && (bytes[offset + 1] & 0xc0) === 0x80;
}

/** Whether the address at `offset` is in ::ffff:0:0/96, an IPv4-mapped address (RFC 4291, section 2.5.5.2). */
export function isMapped6(bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < 10; i++) if (bytes[offset + i] !== 0) return false;
  return bytes[offset + 10] === 0xff && bytes[offset + 11] === 0xff;
}

/** The multicast address on which the owner of `address` listens for solicitations (RFC 4291, section 2.7.1). */
export function solicitedNodeOf(address: IpAddress): IpAddress {
  const end = address.bytes;
  return IpAddress.of([0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, end[13], end[14], end[15]]);
}
