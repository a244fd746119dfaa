/**
 * The addresses that the program and its guest have on the virtual link.
 *
 * @module
 */
import { IpAddress } from "./address.ts";

/** The addresses on the link. The IPv6 network is a /64. */
export interface StackAddresses {
  /** The program's own addresses. */
  readonly gateway4: IpAddress;
  readonly gateway6: IpAddress;
  /** The program's link-local address, from which it advertises itself as the router. */
  readonly linkLocal6: IpAddress;
  /** The length in bits of the IPv4 network's prefix, and the network's broadcast address. */
  readonly prefix4: number;
  readonly broadcast4: IpAddress;
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
  linkLocal6: IpAddress.parse("fe80::7271:aaff:fe4b:29aa"), // made of the hardware address (RFC 4291, appendix A)
  prefix4: 24,
  broadcast4: IpAddress.of([10, 0, 2, 255]),
  guest4: IpAddress.of([10, 0, 2, 100]),
  guest6: IpAddress.parse("fd00::100"),
  dns4: IpAddress.of([10, 0, 2, 3]),
  dns6: IpAddress.parse("fd00::3"),
  isNameServer: false,
  mac: Uint8Array.of(0x70, 0x71, 0xaa, 0x4b, 0x29, 0xaa),
};
