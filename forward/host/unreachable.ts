/**
 * The ICMP errors that report the host's failures to the guest.
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
 * The sender of an ICMP error that goes on to the guest: the router or host that reported it, or null, the program, if
 * the guest must not see that address. The address may have a meaning only on the host's link, or be of the other version,
 * as a translator's is.
 */
export function speakerFor(reporter: IpAddress | null, guest: IpAddress): IpAddress | null {
  if (reporter === null || reporter.version !== guest.version) return null;
  return reporter.version === 6 && isLinkLocal6(reporter.bytes, 0) ? null : reporter;
}
