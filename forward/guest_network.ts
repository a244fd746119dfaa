/**
 * The guest's side of its network, for whoever sets that up.
 *
 * @module
 */
import { DEFAULT_ADDRESSES } from "../stack/link/addresses.ts";

/** An address with the length of its prefix, and the way to all others. */
export interface GuestAddress {
  readonly address: string;
  readonly prefixLength: number;
  readonly gateway: string;
}

/** What the guest has by the addresses that people's scripts rely on. `mtu`: of its device, in bytes. */
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
