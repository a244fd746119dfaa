/**
 * The configuration for guests that ask for it. There is one lease, so every question has the same answer, and nothing
 * is stored.
 *
 * | guest | source of its configuration |
 * | --- | --- |
 * | IPv4: DHCP client | dhcpv4.ts: address, network, router, name servers, search domains, MTU |
 * | IPv6: kernel or daemon | router advertisements (../link/ndp.ts): router, MTU, prefix, name servers, search domains |
 * | IPv6: DHCP client | dhcpv6.ts: name servers, search domains |
 *
 * @module
 */
import type { IpAddress } from "./address.ts";

/** The configuration that guests receive. */
export interface GuestConfiguration {
  /** Whether DHCP clients are answered, which router advertisements then announce. */
  readonly dhcp: boolean;
  /**
   * Whether router advertisements include the prefix, from which guests make addresses for themselves (RFC 4862).
   * Kernels do so by default, in addition to any other address.
   */
  readonly slaac: boolean;
  /**
   * The addresses for DHCP clients over IPv4: each hardware address gets one of its own, and clients beyond them get no
   * answer. Not given: every client gets the guest's address.
   */
  readonly leases?: readonly IpAddress[] | undefined;
  /**
   * Whether the guest is told no more than slirp4netns tells it. DHCP then leaves out the MTU and the search domains.
   * Router advertisements leave out these, the name servers and the hint at DHCP, and prefixes have shorter lifetimes.
   * Not given: false.
   */
  readonly brief?: boolean | undefined;
  /** The name servers for the guest, of both IP versions. Called for each answer. */
  nameServers(): readonly IpAddress[];
  /** The search domains for short names, in their order. Called for each answer. */
  searchDomains(): readonly string[];
}

/** The most name servers in an answer to a DHCP client, which is more than any client uses. */
export const MAX_NAME_SERVERS = 8;

/** The most bytes of search domains, the limit of an option of DHCP for IPv4. Domains beyond it are left out. */
export const MAX_SEARCH_DOMAINS = 255;

/** The configuration without any answers. */
export const NO_CONFIGURATION: GuestConfiguration = {
  dhcp: false,
  slaac: false,
  nameServers: () => [],
  searchDomains: () => [],
};
