/**
 * The manner in which a guest is served: this program's own, or that of the program under whose name it was started. The
 * flags have no part in it.
 *
 * @module
 */
import type { IpAddress } from "../../../stack/base/address.ts";
import type { LoopbackPair } from "../../host/loopback.ts";
import type { FollowedNetwork } from "../../syntax/followed_network.ts";

/** How a guest is served, where that is not a matter of flags. */
export interface Manner {
  /** Whether the guest has IPv6. */
  readonly ipv6: boolean;
  /** Whether `-configure` gives the device an IPv6 address. Otherwise the guest's kernel makes one when it is told a prefix. */
  readonly fixedIpv6: boolean;
  /** Whether `-configure` gives the device an IPv4 address; true unless given. */
  readonly fixedIpv4?: boolean;
  /** The addresses for DHCP clients, one for each hardware address. Not given: each client gets the guest's address. */
  readonly leases?: readonly IpAddress[];
  /** Whether the guest is told no more of its network than slirp4netns tells it. */
  readonly brief: boolean;
  /**
   * Whether the guest reaches every address as the host does: link-local addresses of IPv4, and in its own network all but
   * the program's own addresses.
   */
  readonly asHost: boolean;
  /** Whether the sandbox leaves root CAP_NET_BIND_SERVICE, which callers of slirp4netns find there. */
  readonly keepsLowPorts: boolean;
  /**
   * The addresses that stand for addresses of the host. Then the gateway's do so only where they are among these, and
   * clients of local forwards keep their addresses also in the guest's own network, which is the host's. Not given: as
   * `-host-loopback` says.
   */
  readonly mapped?: readonly LoopbackPair[];
  /** The networks of which local forwards follow what listens in the guest. Not given: none. */
  readonly follow?: readonly FollowedNetwork[];
  /**
   * The ICMP error about a datagram that the policy refuses. A connection gets the same error with `network`, and otherwise
   * a reset.
   */
  readonly refusal: "prohibited" | "network";
}

/** This program's own manner. */
export const OWN_MANNER: Manner = {
  ipv6: true,
  fixedIpv6: true,
  brief: false,
  asHost: false,
  keepsLowPorts: false,
  refusal: "prohibited",
};
