/**
 * The ICMP errors by which the guest is told of the host's failures.
 *
 * @module
 */
import type { IpAddress } from "../../stack/base/address.ts";
import type { Unreachable } from "../../stack/base/layers.ts";
import { isLinkLocal6 } from "../../stack/wire/ipv6.ts";
import type { HostFailure } from "./host_network.ts";

/** The ICMP error with the same meaning; null if there is none. */
export function unreachableFor(failure: HostFailure): Unreachable | null {
  switch (failure) {
    case "network-unreachable":
      return "network";
    case "host-unreachable":
    case "timeout":
      return "host";
    case "prohibited":
      return "prohibited";
    case "refused":
      return "port";
    default:
      return null;
  }
}

/**
 * Whether the guest can be told that this address has said so. Where not, its router speaks: for an address that means
 * something on the host's link alone, or of the other version, as a translator may have.
 */
export function canSpeak(address: IpAddress, guest: IpAddress): boolean {
  return address.version === guest.version && !(address.version === 6 && isLinkLocal6(address.bytes, 0));
}
