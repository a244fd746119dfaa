/**
 * What a guest that configures itself is told. There is one guest, so there is one of everything, and nothing to keep:
 * whoever asks gets the same answer, however often.
 *
 * | guest | is told by |
 * | --- | --- |
 * | IPv4: DHCP client | dhcpv4.ts: address, network, router, name servers, MTU |
 * | IPv6: kernel or daemon | router advertisements (../link/ndp.ts): router, MTU, prefix, name servers |
 * | IPv6: DHCP client | dhcpv6.ts: name servers |
 *
 * @module
 */
import type { IpAddress } from "../address.ts";

/** See the module's text. */
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
}

/** The most name servers that DHCP clients are told: more than any uses. */
export const MAX_NAME_SERVERS = 8;

/** The answer to nobody. */
export const NO_CONFIGURATION: GuestConfiguration = { dhcp: false, slaac: false, nameServers: () => [] };
