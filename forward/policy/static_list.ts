/**
 * The addresses that are never routed, whatever the flags say, unless a range of `-allow` or a remote forward names them.
 *
 * @module
 */
import type { IpAddress } from "../../stack/base/address.ts";
import { DEFAULT_ADDRESSES } from "../../stack/base/link_addresses.ts";
import { embeddedIpv4 } from "../addresses/embedded.ts";
import { unmap } from "../addresses/mapped.ts";
import { networkOf } from "../addresses/guest_configuration.ts";
import { Prefix, PrefixSet } from "../addresses/prefix.ts";

/** Addresses that are wrong or meaningless for a guest, or that mean something else to the host than to the guest. */
const EVERYWHERE: readonly Prefix[] = [
  "0.0.0.0/8", // this network (RFC 791, section 3.2); 0.0.0.0 reaches the host itself on Linux
  "127.0.0.0/8", // the host's loopback
  "224.0.0.0/4", // multicast (RFC 5771)
  "255.255.255.255/32", // limited broadcast
  "::/128", // unspecified; reaches the host itself on Linux
  "::1/128", // the host's loopback
  "::/96", // IPv4-compatible, deprecated (RFC 4291, section 2.5.5.1)
  "::ffff:0:0/96", // IPv4-mapped (RFC 4291, section 2.5.5.2): the host would speak IPv4
  "64:ff9b:1::/48", // IPv4 behind a translator of the network's own making (RFC 8215): which, can't be told
  "fe80::/10", // link-local
  "ff00::/8", // multicast
].map(Prefix.parse);

/** The link-local addresses of IPv4 (RFC 3927), with the metadata service of many clouds. */
const LINK_LOCAL = Prefix.parse("169.254.0.0/16");

/** The list. `own`: the guest's own networks, which are on it too. */
export function neverRouted(own: readonly Prefix[]): PrefixSet {
  return new PrefixSet([...EVERYWHERE, LINK_LOCAL, ...own]);
}

/**
 * The list for a guest that reaches what the host reaches. Its own network is not on it, because the host may have another
 * one with these addresses.
 *
 * @param own the program's own addresses, which the host does not have
 */
export function neverReached(own: readonly IpAddress[]): PrefixSet {
  return new PrefixSet([...EVERYWHERE, ...own.map(Prefix.ofAddress)]);
}

/** The list for the guest's default network. */
export const NEVER_ROUTED: PrefixSet = neverRouted([networkOf(DEFAULT_ADDRESSES)]);

/** Whether an address is on a list, in any form: itself, or an IPv4 address that it leads to. */
export function isNeverRouted(address: IpAddress, list: PrefixSet = NEVER_ROUTED): boolean {
  const plain = unmap(address);
  return list.contains(plain) || embeddedIpv4(plain).some((embedded) => list.contains(embedded));
}
