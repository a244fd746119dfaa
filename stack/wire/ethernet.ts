/**
 * Ethernet II frames, without the preamble and the frame check sequence.
 *
 *     | destination (6) | source (6) | EtherType (2) | payload ...
 *
 * @module
 */
import { copyShort, get16, put16 } from "../base/bytes.ts";

const DESTINATION = 0;
const SOURCE = 6;
const TYPE = 12;

/** The length of the header. */
export const ETHERNET_HEADER = 14;

/** The length of a hardware address. */
export const MAC_LENGTH = 6;

/** EtherTypes (IANA "ETHER TYPES"). */
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_IPV6 = 0x86dd;

/** The broadcast address. */
export const BROADCAST_MAC: Uint8Array = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff);

/** Offset of the destination address of the frame at `frame`. */
export function ethernetDestination(frame: number): number {
  return frame + DESTINATION;
}

/** Offset of the source address of the frame at `frame`. */
export function ethernetSource(frame: number): number {
  return frame + SOURCE;
}

/** The EtherType of the frame at `frame`. */
export function ethernetType(bytes: Uint8Array, frame: number): number {
  return get16(bytes, frame + TYPE);
}

/** Whether the hardware address at `offset` is a group address: multicast or broadcast. */
export function isGroupMac(bytes: Uint8Array, offset: number): boolean {
  return (bytes[offset] & 1) === 1;
}

/** Whether the hardware address at `offset` can be a host's: neither a group address nor all zeros. */
export function isHostMac(bytes: Uint8Array, offset: number): boolean {
  if (isGroupMac(bytes, offset)) return false;
  for (let i = 0; i < MAC_LENGTH; i++) if (bytes[offset + i] !== 0) return true;
  return false;
}

/** Writes a header at `offset`. */
export function putEthernet(
  bytes: Uint8Array,
  offset: number,
  destination: Uint8Array,
  source: Uint8Array,
  type: number,
): void {
  copyShort(destination, 0, bytes, offset + DESTINATION, MAC_LENGTH);
  copyShort(source, 0, bytes, offset + SOURCE, MAC_LENGTH);
  put16(bytes, offset + TYPE, type);
}

/** The group address that an IPv4 multicast address maps to (RFC 1112, section 6.4). */
export function multicastMac4(address: Uint8Array): Uint8Array {
  return Uint8Array.of(0x01, 0x00, 0x5e, address[1] & 0x7f, address[2], address[3]);
}

/** The group address that an IPv6 multicast address maps to (RFC 2464, section 7). */
export function multicastMac6(address: Uint8Array): Uint8Array {
  return Uint8Array.of(0x33, 0x33, address[12], address[13], address[14], address[15]);
}
