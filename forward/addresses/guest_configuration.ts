/**
 * The addresses of the guest's network: which ones the program and the guest have in a network of the user's choice, and the
 * configuration of the guest's device.
 *
 * | address | in an IPv4 network |
 * | --- | --- |
 * | the program, the guest's gateway | the third, 10.0.2.2 |
 * | the name server | the fourth, 10.0.2.3 |
 * | the guest | the 101st, 10.0.2.100 |
 *
 * IPv6 addresses are fixed.
 *
 * @module
 */
import { IpAddress } from "../../stack/base/address.ts";
import { DEFAULT_ADDRESSES, type StackAddresses } from "../../stack/base/link_addresses.ts";
import { Prefix } from "./prefix.ts";

/** The longest prefix of a guest's network: one more bit, and the guest's address would not be in it. */
export const MAX_GUEST_PREFIX = 25;

/** Positions in the network. */
const GATEWAY = 2, NAME_SERVER = 3, GUEST = 100;

/** The addresses on the link for a guest's IPv4 network of at most {@linkcode MAX_GUEST_PREFIX} bits. */
export function addressesIn(network: Prefix): StackAddresses {
  const { bytes, length } = network;
  return {
    ...DEFAULT_ADDRESSES,
    prefix4: length,
    broadcast4: broadcastOf(IpAddress.of(bytes), length),
    gateway4: addressAt(network, GATEWAY),
    dns4: addressAt(network, NAME_SERVER),
    guest4: addressAt(network, GUEST),
  };
}

/**
 * The broadcast address of the IPv4 network that an address is in: its last one. A network of one or two addresses has none
 * (RFC 3021), for which the limited broadcast address stands.
 */
export function broadcastOf({ bytes }: IpAddress, prefixLength: number): IpAddress {
  if (prefixLength >= 31) return LIMITED_BROADCAST;
  return IpAddress.of(bytes.map((byte, i) => byte | 0xff >> Math.min(8, Math.max(0, prefixLength - 8 * i))));
}

const LIMITED_BROADCAST = IpAddress.of([255, 255, 255, 255]);

/** The address at a position of an IPv4 network, 0 to 127, counted from the network's own address. */
export function addressAt({ bytes }: Prefix, position: number): IpAddress {
  return IpAddress.of([...bytes.subarray(0, 3), bytes[3] + position]);
}

/** The guest's IPv4 network. */
export function networkOf({ gateway4, prefix4 }: Pick<StackAddresses, "gateway4" | "prefix4">): Prefix {
  return Prefix.of(gateway4, prefix4);
}

/** An address of the guest, its prefix length, and its default gateway. */
export interface GuestAddress {
  readonly address: string;
  readonly prefixLength: number;
  readonly gateway: string;
}

/**
 * The configuration of the guest's device.
 *
 * @param mtu that of the device, in bytes
 * @param fixedIpv6 whether it has an IPv6 address
 * @param fixedIpv4 whether it has an IPv4 address
 */
export function guestNetwork(
  mtu: number,
  { guest4, gateway4, prefix4, guest6, gateway6 }: StackAddresses,
  fixedIpv6 = true,
  fixedIpv4 = true,
): { readonly mtu: number; readonly ipv4: GuestAddress | null; readonly ipv6: GuestAddress | null } {
  return {
    mtu,
    ipv4: fixedIpv4 ? { address: String(guest4), prefixLength: prefix4, gateway: String(gateway4) } : null,
    ipv6: fixedIpv6 ? { address: String(guest6), prefixLength: 64, gateway: String(gateway6) } : null,
  };
}
