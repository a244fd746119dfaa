/**
 * IPv4's wire format (RFC 791, section 3.1).
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |version|  IHL  |type of service|          total length         |
 *     |        identification         |flags|     fragment offset     |
 *     | time to live  |   protocol    |        header checksum        |
 *     |                        source address                         |
 *     |                      destination address                      |
 *     |                        options, padded                        |
 *
 * @module
 */
import type { IpAddress } from "../base/address.ts";
import { copyShort, get16, put16 } from "../base/bytes.ts";
import { complement, partialSum } from "./checksum.ts";

const VERSION_AND_LENGTH = 0;
const TYPE_OF_SERVICE = 1;
const TOTAL_LENGTH = 2;
const IDENTIFICATION = 4;
const FLAGS_AND_OFFSET = 6;
const TIME_TO_LIVE = 8;
const PROTOCOL = 9;
const CHECKSUM = 10;
const SOURCE = 12;
const DESTINATION = 16;

/** The length of a header without options, and with the most. */
export const IPV4_HEADER = 20;
export const IPV4_MAX_HEADER = 60;

/** The largest packet, header included: the total length field has 16 bits. */
export const IPV4_MAX_PACKET = 65_535;

/** Bits of the flags and fragment offset field. */
export const IPV4_DONT_FRAGMENT = 0x4000;
export const IPV4_MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;

/** Option types (IANA "IP OPTION NUMBERS"). */
const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_LOOSE_SOURCE_ROUTE = 131;
const OPTION_STRICT_SOURCE_ROUTE = 137;

/** The result of a header's check. */
export type Ipv4Fault = "ok" | "malformed" | "checksum";

/**
 * Checks the header of the packet in `bytes[offset..end)`: version, lengths, checksum. If it is "ok", the packet ends
 * at `offset + ipv4TotalLength(bytes, offset)`, which is at most `end`.
 */
export function checkIpv4(bytes: Uint8Array, offset: number, end: number): Ipv4Fault {
  if (end - offset < IPV4_HEADER || bytes[offset] >> 4 !== 4) return "malformed";
  const headerLength = ipv4HeaderLength(bytes, offset);
  const totalLength = ipv4TotalLength(bytes, offset);
  if (headerLength < IPV4_HEADER || totalLength < headerLength || totalLength > end - offset) return "malformed";
  return partialSum(bytes, offset, headerLength) === 0xffff ? "ok" : "checksum";
}

/** Whether the options of a checked header are well-formed, without a source route (RFC 7126, section 4.3). */
export function ipv4OptionsAcceptable(bytes: Uint8Array, offset: number): boolean {
  const end = offset + ipv4HeaderLength(bytes, offset);
  let at = offset + IPV4_HEADER;
  while (at < end) {
    const type = bytes[at];
    if (type === OPTION_END) return true;
    if (type === OPTION_NOP) {
      at++;
      continue;
    }
    if (type === OPTION_LOOSE_SOURCE_ROUTE || type === OPTION_STRICT_SOURCE_ROUTE) return false;
    const length = at + 1 < end ? bytes[at + 1] : 0;
    if (length < 2 || at + length > end) return false;
    at += length;
  }
  return true;
}

/** The header's length in bytes, options included. */
export function ipv4HeaderLength(bytes: Uint8Array, offset: number): number {
  return (bytes[offset + VERSION_AND_LENGTH] & 0x0f) * 4;
}

/** The packet's length in bytes, header included. */
export function ipv4TotalLength(bytes: Uint8Array, offset: number): number {
  return get16(bytes, offset + TOTAL_LENGTH);
}

/** The identification that the fragments of a datagram share. */
export function ipv4Identification(bytes: Uint8Array, offset: number): number {
  return get16(bytes, offset + IDENTIFICATION);
}

/** The fragment offset, in bytes. */
export function ipv4FragmentOffset(bytes: Uint8Array, offset: number): number {
  return (get16(bytes, offset + FLAGS_AND_OFFSET) & OFFSET_MASK) * 8;
}

/** Whether the "don't fragment" flag is set. */
export function ipv4DontFragment(bytes: Uint8Array, offset: number): boolean {
  return (bytes[offset + FLAGS_AND_OFFSET] & (IPV4_DONT_FRAGMENT >> 8)) !== 0;
}

/** Whether fragments follow this one. */
export function ipv4MoreFragments(bytes: Uint8Array, offset: number): boolean {
  return (get16(bytes, offset + FLAGS_AND_OFFSET) & IPV4_MORE_FRAGMENTS) !== 0;
}

/** The time to live. */
export function ipv4TimeToLive(bytes: Uint8Array, offset: number): number {
  return bytes[offset + TIME_TO_LIVE];
}

/** The transport protocol. */
export function ipv4Protocol(bytes: Uint8Array, offset: number): number {
  return bytes[offset + PROTOCOL];
}

/** Offset of the source address. */
export function ipv4Source(offset: number): number {
  return offset + SOURCE;
}

/** Offset of the destination address. */
export function ipv4Destination(offset: number): number {
  return offset + DESTINATION;
}

/** Writes a header without options at `offset`, checksum included. */
export function putIpv4(
  bytes: Uint8Array,
  offset: number,
  totalLength: number,
  identification: number,
  flagsAndOffset: number,
  timeToLive: number,
  protocol: number,
  source: IpAddress,
  destination: IpAddress,
): void {
  bytes[offset + VERSION_AND_LENGTH] = 0x45;
  bytes[offset + TYPE_OF_SERVICE] = 0;
  put16(bytes, offset + TOTAL_LENGTH, totalLength);
  put16(bytes, offset + IDENTIFICATION, identification);
  put16(bytes, offset + FLAGS_AND_OFFSET, flagsAndOffset);
  bytes[offset + TIME_TO_LIVE] = timeToLive;
  bytes[offset + PROTOCOL] = protocol;
  put16(bytes, offset + CHECKSUM, 0);
  copyShort(source.bytes, 0, bytes, offset + SOURCE, 4);
  copyShort(destination.bytes, 0, bytes, offset + DESTINATION, 4);
  put16(bytes, offset + CHECKSUM, complement(partialSum(bytes, offset, IPV4_HEADER)));
}

/** Changes a header's total length and fragment field, and its checksum accordingly. */
export function refitIpv4(bytes: Uint8Array, offset: number, totalLength: number, flagsAndOffset: number): void {
  put16(bytes, offset + TOTAL_LENGTH, totalLength);
  put16(bytes, offset + FLAGS_AND_OFFSET, flagsAndOffset);
  put16(bytes, offset + CHECKSUM, 0);
  put16(bytes, offset + CHECKSUM, complement(partialSum(bytes, offset, ipv4HeaderLength(bytes, offset))));
}

/** Whether the address at `offset` is 224.0.0.0/4. */
export function isMulticast4(bytes: Uint8Array, offset: number): boolean {
  return bytes[offset] >> 4 === 0xe;
}

/** Whether the address at `offset` is 255.255.255.255. */
export function isLimitedBroadcast(bytes: Uint8Array, offset: number): boolean {
  return (bytes[offset] & bytes[offset + 1] & bytes[offset + 2] & bytes[offset + 3]) === 0xff;
}

/** Whether the address at `offset` is 0.0.0.0. */
export function isUnspecified4(bytes: Uint8Array, offset: number): boolean {
  return (bytes[offset] | bytes[offset + 1] | bytes[offset + 2] | bytes[offset + 3]) === 0;
}

/** Whether the address at `offset` is 127.0.0.0/8. */
export function isLoopback4(bytes: Uint8Array, offset: number): boolean {
  return bytes[offset] === 127;
}
