/**
 * The guest's addresses, prefixes and gateways, for the part of the program that configures the guest's device.
 *
 * @module
 */
import { DEFAULT_ADDRESSES } from "../../stack/link/addresses.ts";

/** An address of the guest, its prefix length, and its default gateway. */
export interface GuestAddress {
  readonly address: string;
  readonly prefixLength: number;
  readonly gateway: string;
}

/** The guest's default configuration, which users' scripts rely on. `mtu`: that of its device, in bytes. */
export function guestNetwork(
  mtu: number,
): { readonly mtu: number; readonly ipv4: GuestAddress; readonly ipv6: GuestAddress } {
  const { guest4, gateway4, guest6, gateway6 } = DEFAULT_ADDRESSES;
  return {
    mtu,
    ipv4: { address: String(guest4), prefixLength: 24, gateway: String(gateway4) },
    ipv6: { address: String(guest6), prefixLength: 64, gateway: String(gateway6) },
  };
}
