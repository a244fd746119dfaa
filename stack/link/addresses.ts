/**
 * Classifies addresses on the virtual link: the program's own, broadcast addresses, and those in the link's network.
 *
 * @module
 */
import type { IpVersion } from "../base/address.ts";
import type { StackAddresses } from "../base/link_addresses.ts";
import { isLimitedBroadcast, isMulticast4, isUnspecified4 } from "../wire/ipv4.ts";

export { DEFAULT_ADDRESSES, type StackAddresses } from "../base/link_addresses.ts";

/**
 * Whether the address at `offset` is one of the program's own. Packets of the guest can't have it as their source, the
 * guest is told that it is taken, and the program answers pings to it.
 */
export function isOwnAddress(
  addresses: StackAddresses,
  bytes: Uint8Array,
  offset: number,
  version: IpVersion,
): boolean {
  const { gateway4, gateway6, dns4, dns6, isNameServer, linkLocal6 } = addresses;
  if (version === 4) return gateway4.isAt(bytes, offset) || (isNameServer && dns4.isAt(bytes, offset));
  return gateway6.isAt(bytes, offset) || (isNameServer && dns6.isAt(bytes, offset)) ||
    linkLocal6.isAt(bytes, offset);
}

/** Whether the IPv4 address at `offset` is in the link's network. */
export function isOnLink4({ broadcast4, prefix4 }: StackAddresses, bytes: Uint8Array, offset: number): boolean {
  const last = broadcast4.bytes, whole = prefix4 >> 3;
  for (let i = 0; i < whole; i++) if (bytes[offset + i] !== last[i]) return false;
  return (prefix4 & 7) === 0 || (bytes[offset + whole] ^ last[whole]) >> (8 - (prefix4 & 7)) === 0;
}

/**
 * Whether the IPv4 address at `offset` is not a single host's: multicast, the limited broadcast address, the broadcast
 * address of the link's network, or 0.0.0.0, which was once a broadcast address (RFC 1122, section 3.2.1.3).
 */
export function isBroadcast4(addresses: StackAddresses, bytes: Uint8Array, offset: number): boolean {
  return isMulticast4(bytes, offset) || isLimitedBroadcast(bytes, offset) || isUnspecified4(bytes, offset) ||
    addresses.broadcast4.isAt(bytes, offset);
}
