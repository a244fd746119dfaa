/**
 * UDP's wire format (RFC 768).
 *
 *     | source port (2) | destination port (2) | length (2) | checksum (2) | data ...
 *
 * @module
 */
import { get16, put16 } from "../base/bytes.ts";

/** The IP protocol number of UDP. */
export const UDP_PROTOCOL = 17;

const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
const LENGTH = 4;
/** Offset of the checksum field. */
export const UDP_CHECKSUM = 6;

/** The length of the header. */
export const UDP_HEADER = 8;

/** The source port of the datagram at `offset`; 0: the sender expects no answer. */
export function udpSourcePort(bytes: Uint8Array, offset: number): number {
  return get16(bytes, offset + SOURCE_PORT);
}

/** The destination port of the datagram at `offset`. */
export function udpDestinationPort(bytes: Uint8Array, offset: number): number {
  return get16(bytes, offset + DESTINATION_PORT);
}

/** The length of header and data. */
export function udpLength(bytes: Uint8Array, offset: number): number {
  return get16(bytes, offset + LENGTH);
}

/** The checksum; 0: none was computed. */
export function udpChecksum(bytes: Uint8Array, offset: number): number {
  return get16(bytes, offset + UDP_CHECKSUM);
}

/** Writes a header at `offset`, with checksum 0. `length` is the length of header and data. */
export function putUdp(
  bytes: Uint8Array,
  offset: number,
  sourcePort: number,
  destinationPort: number,
  length: number,
): void {
  put16(bytes, offset + SOURCE_PORT, sourcePort);
  put16(bytes, offset + DESTINATION_PORT, destinationPort);
  put16(bytes, offset + LENGTH, length);
  put16(bytes, offset + UDP_CHECKSUM, 0);
}
