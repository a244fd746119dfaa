/**
 * IPv4-mapped IPv6 addresses, `::ffff:10.0.0.1` (RFC 4291, section 2.5.5.2).
 *
 * A host that connects to one sends IPv4 packets. So a decision about an address must look at the IPv4 address in it;
 * otherwise 10.0.0.1 is closed and `::ffff:10.0.0.1` is open.
 *
 * @module
 */
import { IpAddress } from "../../stack/base/address.ts";

/** The offset of the IPv4 address in a mapped address. */
export const MAPPED_OFFSET = 12;

/** Whether 16 bytes in network order are in ::ffff:0:0/96. */
export function isMapped(bytes: Uint8Array): boolean {
  if (bytes.length !== 16 || bytes[10] !== 0xff || bytes[11] !== 0xff) return false;
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** The IPv4 address in a mapped address; any other address as it is. */
export function unmap(address: IpAddress): IpAddress {
  return isMapped(address.bytes) ? IpAddress.at(address.bytes, MAPPED_OFFSET, 4) : address;
}
