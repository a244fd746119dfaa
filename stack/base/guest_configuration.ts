/**
 * What a guest that configures itself is told. There is one lease, so there is one of everything and nothing to
 * remember: every question has the same answer.
 *
 * | guest | is told by |
 * | --- | --- |
 * | IPv4: DHCP client | dhcpv4.ts: address, network, router, name servers, search domains, MTU |
 * | IPv6: kernel or daemon | router advertisements (../link/ndp.ts): router, MTU, prefix, name servers, search domains |
 * | IPv6: DHCP client | dhcpv6.ts: name servers, search domains |
 *
 * @module
 */
import type { IpAddress } from "./address.ts";

/** What the guest is told. */
export interface GuestConfiguration {
  /** Whether DHCP clients are answered, and told by router advertisements that they are. */
  readonly dhcp: boolean;
  /**
   * Whether router advertisements have the prefix, so that guests make themselves addresses of it (RFC 4862). Kernels do
   * so without being asked, in addition to any address that they were given.
   */
  readonly slaac: boolean;
  /** The name servers that the guest can use, both versions; asked for each answer. */
  nameServers(): readonly IpAddress[];
  /** The domains by which the guest is to complete short names, in their order; asked for each answer. */
  searchDomains(): readonly string[];
}

/** The most name servers that DHCP clients are told: more than any uses. */
export const MAX_NAME_SERVERS = 8;

/** The most bytes of search domains: an option of DHCP for IPv4 has no more. Those behind are left out. */
export const MAX_SEARCH_DOMAINS = 255;

/** The answer to nobody. */
export const NO_CONFIGURATION: GuestConfiguration = {
  dhcp: false,
  slaac: false,
  nameServers: () => [],
  searchDomains: () => [],
};
