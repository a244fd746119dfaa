/**
 * Decides which packets an ICMP error may be sent about (RFC 1122, section 3.2.2; RFC 4443, section 2.4 (e)). Excluded
 * are ICMP errors, because two hosts could answer each other's errors for ever; fragments other than the first, because
 * one error per datagram is enough; and packets to or from a group, because every member would send an error.
 *
 * @module
 */
import { isBroadcast4, type StackAddresses } from "../link/addresses.ts";
import { icmpType } from "../wire/icmp.ts";
import { ICMP_PROTOCOL, isIcmp4Error } from "../wire/icmpv4.ts";
import { ICMPV6_PROTOCOL, isIcmp6Error } from "../wire/icmpv6.ts";
import {
  IPV4_HEADER,
  ipv4Destination,
  ipv4FragmentOffset,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  isLoopback4,
} from "../wire/ipv4.ts";
import {
  IPV6_HEADER,
  ipv6Destination,
  ipv6NextHeaderAt,
  ipv6Source,
  isLoopback6,
  isMulticast6,
  isUnspecified6,
} from "../wire/ipv6.ts";
import { ExtensionWalk, fragmentOffset6 } from "../wire/ipv6_extensions.ts";

/** Whether an error may be sent about the packet in `bytes[offset..end)`, of either version, possibly malformed. */
export function isEligible(addresses: StackAddresses, bytes: Uint8Array, offset: number, end: number): boolean {
  return bytes[offset] >> 4 === 4 ? isEligible4(addresses, bytes, offset, end) : isEligible6(bytes, offset, end);
}

function isEligible4(addresses: StackAddresses, bytes: Uint8Array, offset: number, end: number): boolean {
  if (end - offset < IPV4_HEADER || ipv4FragmentOffset(bytes, offset) > 0) return false;
  const source = ipv4Source(offset);
  if (isBroadcast4(addresses, bytes, source) || isLoopback4(bytes, source)) return false;
  if (isBroadcast4(addresses, bytes, ipv4Destination(offset))) return false;
  if (ipv4Protocol(bytes, offset) !== ICMP_PROTOCOL) return true;
  const message = offset + ipv4HeaderLength(bytes, offset);
  return message < end && !isIcmp4Error(icmpType(bytes, message));
}

function isEligible6(bytes: Uint8Array, offset: number, end: number): boolean {
  if (end - offset < IPV6_HEADER) return false;
  const source = ipv6Source(offset);
  if (isMulticast6(bytes, source) || isUnspecified6(bytes, source) || isLoopback6(bytes, source)) return false;
  if (isMulticast6(bytes, ipv6Destination(offset))) return false;
  const walk = new ExtensionWalk(false);
  const namedAt = ipv6NextHeaderAt(offset);
  walk.begin(bytes[namedAt], namedAt, offset + IPV6_HEADER);
  let stop = walk.run(bytes, end);
  if (stop === "fragment") {
    if (fragmentOffset6(bytes, walk.at) > 0) return false;
    walk.skipFragment(bytes);
    stop = walk.run(bytes, end);
  }
  if (stop !== "transport" || walk.protocol !== ICMPV6_PROTOCOL) return true;
  return walk.at < end && !isIcmp6Error(icmpType(bytes, walk.at));
}
