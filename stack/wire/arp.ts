/**
 * Address resolution for IPv4 on Ethernet (RFC 826).
 *
 *     | hardware type (2) | protocol type (2) | hardware length (1) | protocol length (1) | operation (2)
 *     | sender hardware (6) | sender protocol (4) | target hardware (6) | target protocol (4)
 *
 * @module
 */
import { copyShort, get16, put16 } from "../base/bytes.ts";
import { ETHERTYPE_IPV4, MAC_LENGTH } from "./ethernet.ts";

const HARDWARE_TYPE = 0;
const PROTOCOL_TYPE = 2;
const HARDWARE_LENGTH = 4;
const PROTOCOL_LENGTH = 5;
const OPERATION = 6;
const SENDER_HARDWARE = 8;
const SENDER_PROTOCOL = 14;
const TARGET_HARDWARE = 18;
const TARGET_PROTOCOL = 24;

/** The length of a packet. */
export const ARP_LENGTH = 28;

const HARDWARE_ETHERNET = 1;

/** Operations. */
export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

/** Whether `bytes[offset..end)` is an ARP request or reply for IPv4 on Ethernet. Padding after it is allowed. */
export function isArp(bytes: Uint8Array, offset: number, end: number): boolean {
  if (end - offset < ARP_LENGTH) return false;
  const operation = get16(bytes, offset + OPERATION);
  return get16(bytes, offset + HARDWARE_TYPE) === HARDWARE_ETHERNET &&
    get16(bytes, offset + PROTOCOL_TYPE) === ETHERTYPE_IPV4 &&
    bytes[offset + HARDWARE_LENGTH] === MAC_LENGTH && bytes[offset + PROTOCOL_LENGTH] === 4 &&
    (operation === ARP_REQUEST || operation === ARP_REPLY);
}

/** The operation. */
export function arpOperation(bytes: Uint8Array, offset: number): number {
  return get16(bytes, offset + OPERATION);
}

/** Offset of the sender's hardware address. */
export function arpSenderHardware(offset: number): number {
  return offset + SENDER_HARDWARE;
}

/** Offset of the sender's IPv4 address. */
export function arpSenderProtocol(offset: number): number {
  return offset + SENDER_PROTOCOL;
}

/** Offset of the target's IPv4 address. */
export function arpTargetProtocol(offset: number): number {
  return offset + TARGET_PROTOCOL;
}

/** Writes a packet at `offset`. */
export function putArp(
  bytes: Uint8Array,
  offset: number,
  operation: number,
  senderHardware: Uint8Array,
  senderProtocol: Uint8Array,
  targetHardware: Uint8Array,
  targetProtocol: Uint8Array,
): void {
  put16(bytes, offset + HARDWARE_TYPE, HARDWARE_ETHERNET);
  put16(bytes, offset + PROTOCOL_TYPE, ETHERTYPE_IPV4);
  bytes[offset + HARDWARE_LENGTH] = MAC_LENGTH;
  bytes[offset + PROTOCOL_LENGTH] = 4;
  put16(bytes, offset + OPERATION, operation);
  copyShort(senderHardware, 0, bytes, offset + SENDER_HARDWARE, MAC_LENGTH);
  copyShort(senderProtocol, 0, bytes, offset + SENDER_PROTOCOL, 4);
  copyShort(targetHardware, 0, bytes, offset + TARGET_HARDWARE, MAC_LENGTH);
  copyShort(targetProtocol, 0, bytes, offset + TARGET_PROTOCOL, 4);
}
