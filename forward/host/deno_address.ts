/**
 * Deno's addresses as endpoints.
 *
 * @module
 */
import { type Endpoint, IpAddress } from "../../stack/base/address.ts";
import { unmap } from "../addresses/mapped.ts";

/**
 * Deno's address as an endpoint, without the zone of a link-local address. An IPv4-mapped IPv6 address becomes the IPv4
 * address.
 */
export function endpointOf(address: Deno.NetAddr): Endpoint {
  const zone = address.hostname.indexOf("%");
  return {
    address: unmap(IpAddress.parse(zone < 0 ? address.hostname : address.hostname.slice(0, zone))),
    port: address.port,
  };
}

/** An address for Deno's calls, with the zone of a link-local address behind `%` (RFC 4007, section 11). */
export function zonedAddress(address: IpAddress, zone: string | undefined): string {
  return zone === undefined ? address.toString() : `${address}%${zone}`;
}
