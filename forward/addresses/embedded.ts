/**
 * IPv6 addresses that lead to an IPv4 address: a router on the way, or the host itself, translates a packet to such an
 * address or tunnels it. So a decision about the address must also look at the IPv4 address in it.
 *
 * | name | form | where the IPv4 address is |
 * | --- | --- | --- |
 * | IPv4-compatible (RFC 4291, section 2.5.5.1) | ::a.b.c.d | the last 4 bytes |
 * | IPv4-translated (RFC 2765, section 2.1) | ::ffff:0:a.b.c.d | the last 4 bytes |
 * | NAT64's well-known prefix (RFC 6052, section 2.1) | 64:ff9b::a.b.c.d | the last 4 bytes |
 * | NAT64's prefix for local use (RFC 8215), as a /96 | 64:ff9b:1:...:a.b.c.d | the last 4 bytes |
 * | 6to4 (RFC 3056, section 2) | 2002:aabb:ccdd::/48 | behind the prefix: the router |
 * | Teredo (RFC 4380, section 4) | 2001:0:aabb:ccdd:... | behind the prefix: the server; the last 4 bytes inverted: the client |
 * | ISATAP (RFC 5214, section 6.1) | ...:0:5efe:a.b.c.d, ...:200:5efe:a.b.c.d | the last 4 bytes |
 *
 * Two of them are only another way to write the IPv4 address ({@linkcode isTranslated}). In the others, the IPv6 address
 * has a meaning of its own: a tunnel's end, or a station on a link. A network may divide the prefix for local use in
 * other ways (RFC 6052, section 2.2), with the IPv4 address elsewhere.
 *
 * Two kinds are not covered here: IPv4-mapped addresses, which are IPv4 to the host itself (mapped.ts), and the prefixes
 * that a network has chosen for its own translator (NAT64, 6rd), which cannot be recognised.
 *
 * @module
 */
import { IpAddress } from "../../stack/base/address.ts";

/** The IPv4 addresses behind an IPv6 address; empty for all but the forms above. */
export function embeddedIpv4(address: IpAddress): readonly IpAddress[] {
  const { bytes } = address;
  if (address.version !== 6) return NONE;
  switch (bytes[0] << 8 | bytes[1]) {
    case 0x2002:
      return [IpAddress.at(bytes, 2, 4)];
    case 0x2001:
      if (bytes[2] !== 0 || bytes[3] !== 0) break;
      return [IpAddress.at(bytes, 4, 4), IpAddress.of(bytes.subarray(12).map((byte) => byte ^ 0xff))];
    case 0x0064:
      if (startsWith(bytes, NAT64) || startsWith(bytes, LOCAL_NAT64)) return [IpAddress.at(bytes, 12, 4)];
      break;
    case 0:
      if (startsWith(bytes, TRANSLATED) || isCompatible(bytes)) return [IpAddress.at(bytes, 12, 4)];
      break;
  }
  return isIsatap(bytes) ? [IpAddress.at(bytes, 12, 4)] : NONE;
}

/** Whether an IPv6 address is only another way to write the IPv4 address in its last 4 bytes. */
export function isTranslated({ version, bytes }: IpAddress): boolean {
  return version === 6 && (startsWith(bytes, NAT64) || startsWith(bytes, TRANSLATED));
}

const NONE: readonly IpAddress[] = [];
const NAT64 = [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0];
const LOCAL_NAT64 = [0, 0x64, 0xff, 0x9b, 0, 1];
const TRANSLATED = [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0];
const COMPATIBLE = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/** Whether it is in ::/96, except :: and ::1, which have meanings of their own. */
function isCompatible(bytes: Uint8Array): boolean {
  return startsWith(bytes, COMPATIBLE) && (bytes[12] | bytes[13] | bytes[14] | bytes[15] >> 1) !== 0;
}

function isIsatap(bytes: Uint8Array): boolean {
  return (bytes[8] === 0 || bytes[8] === 2) && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe;
}

function startsWith(bytes: Uint8Array, prefix: readonly number[]): boolean {
  for (let i = 0; i < prefix.length; i++) if (bytes[i] !== prefix[i]) return false;
  return true;
}
