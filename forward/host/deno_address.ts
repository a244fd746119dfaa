/**
 * Deno's addresses as endpoints.
 *
 * @module
 */
import { type Endpoint, IpAddress } from "../../stack/base/address.ts";

/**
 * Deno's address as an endpoint: without the zone of a link-local address, and an IPv4 address that came inside an IPv6
 * one (`::ffff:192.0.2.1`) as what it is.
 */
export function endpointOf(address: Deno.NetAddr): Endpoint {
  const zone = address.hostname.indexOf("%");
  return {
    address: unmapped(IpAddress.parse(zone < 0 ? address.hostname : address.hostname.slice(0, zone))),
    port: address.port,
  };
}

/** An address as Deno's calls take it, with the zone of a link-local one behind `%` (RFC 4007, section 11). */
export function zonedAddress(address: IpAddress, zone: string | undefined): string {
  return zone === undefined ? address.toString() : `${address}%${zone}`;
}

function unmapped(address: IpAddress): IpAddress {
  const { bytes } = address;
  if (address.version === 4 || bytes[10] !== 0xff || bytes[11] !== 0xff) return address;
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return address;
  return IpAddress.at(bytes, 12, 4);
}
