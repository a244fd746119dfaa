/**
 * The addresses that the program and its guest have on the virtual link.
 *
 * @module
 */
import { IpAddress, type IpVersion } from "../base/address.ts";
import { sameBytes } from "../base/bytes.ts";
import { isLimitedBroadcast, isMulticast4, isUnspecified4 } from "../wire/ipv4.ts";
import { isLinkLocalOf } from "../wire/ipv6.ts";

/** The addresses on the link. The IPv4 network is a /24, the IPv6 network a /64. */
export interface StackAddresses {
  /** The program's own addresses. */
  readonly gateway4: IpAddress;
  readonly gateway6: IpAddress;
  /** The guest's addresses. Every other address is answered for, with the hardware address {@linkcode mac}. */
  readonly guest4: IpAddress;
  readonly guest6: IpAddress;
  /** The addresses of the program's name server. If `isNameServer`, they are the program's own as well. */
  readonly dns4: IpAddress;
  readonly dns6: IpAddress;
  readonly isNameServer: boolean;
  /** The program's hardware address, 6 bytes. */
  readonly mac: Uint8Array;
}

/** The default addresses, which existing scripts rely on. */
export const DEFAULT_ADDRESSES: StackAddresses = {
  gateway4: IpAddress.of([10, 0, 2, 2]),
  gateway6: IpAddress.parse("fd00::2"),
  guest4: IpAddress.of([10, 0, 2, 100]),
  guest6: IpAddress.parse("fd00::100"),
  dns4: IpAddress.of([10, 0, 2, 3]),
  dns6: IpAddress.parse("fd00::3"),
  isNameServer: false,
  mac: Uint8Array.of(0x70, 0x71, 0xaa, 0x4b, 0x29, 0xaa),
};

/**
 * Whether the address at `offset` is one of the program's own. Packets of the guest can't have it as their source, the
 * guest is told that it is taken, and the program answers pings to it. The link-local address made from
 * {@linkcode StackAddresses.mac} is one of them.
 */
export function isOwnAddress(
  addresses: StackAddresses,
  bytes: Uint8Array,
  offset: number,
  version: IpVersion,
): boolean {
  const { gateway4, gateway6, dns4, dns6, isNameServer, mac } = addresses;
  if (version === 4) return gateway4.isAt(bytes, offset) || (isNameServer && dns4.isAt(bytes, offset));
  return gateway6.isAt(bytes, offset) || (isNameServer && dns6.isAt(bytes, offset)) ||
    isLinkLocalOf(bytes, offset, mac);
}

/**
 * Whether the IPv4 address at `offset` is not a single host's: multicast, the limited broadcast address, the broadcast
 * address of the link's network, or 0.0.0.0, which was once a broadcast address (RFC 1122, section 3.2.1.3).
 */
export function isBroadcast4(addresses: StackAddresses, bytes: Uint8Array, offset: number): boolean {
  return isMulticast4(bytes, offset) || isLimitedBroadcast(bytes, offset) || isUnspecified4(bytes, offset) ||
    (bytes[offset + 3] === 255 && sameBytes(bytes, offset, addresses.gateway4.bytes, 0, 3));
}
