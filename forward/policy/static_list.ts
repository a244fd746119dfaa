/**
 * The addresses that are never routed, whatever the flags say, unless a range of `-allow` or a remote forward names them.
 *
 * @module
 */
import type { IpAddress } from "../../stack/base/address.ts";
import { embeddedIpv4 } from "../addresses/embedded.ts";
import { unmap } from "../addresses/mapped.ts";
import { Prefix, PrefixSet } from "../addresses/prefix.ts";

/** Addresses that are wrong or meaningless for a guest, or that mean something else to the host than to the guest. */
export const NEVER_ROUTED: PrefixSet = new PrefixSet([
  "0.0.0.0/8", // this network (RFC 791, section 3.2); 0.0.0.0 reaches the host itself on Linux
  "10.0.2.0/24", // the guest's own network
  "127.0.0.0/8", // the host's loopback
  "169.254.0.0/16", // link-local (RFC 3927), and the metadata service of many clouds
  "224.0.0.0/4", // multicast (RFC 5771)
  "255.255.255.255/32", // limited broadcast
  "::/128", // unspecified; reaches the host itself on Linux
  "::1/128", // the host's loopback
  "::/96", // IPv4-compatible, deprecated (RFC 4291, section 2.5.5.1)
  "::ffff:0:0/96", // IPv4-mapped (RFC 4291, section 2.5.5.2): the host would speak IPv4
  "64:ff9b:1::/48", // IPv4 behind a translator of the network's own making (RFC 8215): which, can't be told
  "fe80::/10", // link-local
  "ff00::/8", // multicast
].map(Prefix.parse));

/** Whether an address is on the list, in any form: itself, or an IPv4 address that it leads to. */
export function isNeverRouted(address: IpAddress): boolean {
  const plain = unmap(address);
  return NEVER_ROUTED.contains(plain) || embeddedIpv4(plain).some((embedded) => NEVER_ROUTED.contains(embedded));
}
