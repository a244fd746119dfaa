/**
 * Keys of tables that are looked up for every datagram. For IPv4 a key is a number, so that a lookup allocates nothing. For
 * IPv6 it is a short string, one character for each 16 bits.
 *
 * @module
 */
import type { IpVersion } from "../../stack/base/address.ts";

/** The key of an address, or of an address and port; a table must not mix the two. */
export type Key = number | string;

/** The key of the address at `offset`. */
export function addressKey(bytes: Uint8Array, offset: number, version: IpVersion): Key {
  return version === 4 ? ipv4Number(bytes, offset) : ipv6Text(bytes, offset);
}

/** The key of the address at `offset` together with a port. */
export function endpointKey(bytes: Uint8Array, offset: number, version: IpVersion, port: number): Key {
  if (version === 4) return ipv4Number(bytes, offset) * 0x1_0000 + port;
  return ipv6Text(bytes, offset) + String.fromCharCode(port);
}

function ipv4Number(bytes: Uint8Array, at: number): number {
  return bytes[at] * 0x100_0000 + (bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3]);
}

function ipv6Text(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(
    bytes[at] << 8 | bytes[at + 1],
    bytes[at + 2] << 8 | bytes[at + 3],
    bytes[at + 4] << 8 | bytes[at + 5],
    bytes[at + 6] << 8 | bytes[at + 7],
    bytes[at + 8] << 8 | bytes[at + 9],
    bytes[at + 10] << 8 | bytes[at + 11],
    bytes[at + 12] << 8 | bytes[at + 13],
    bytes[at + 14] << 8 | bytes[at + 15],
  );
}
