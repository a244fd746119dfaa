/**
 * The ICMP errors by which the guest is told of the host's failures.
 *
 * @module
 */
import type { Unreachable } from "../../stack/base/layers.ts";
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
