/**
 * ICMPv6's types and codes (RFC 4443). The header is in `icmp.ts`, neighbour discovery in `ndp.ts`.
 *
 * @module
 */

/** The next header value of ICMPv6. */
export const ICMPV6_PROTOCOL = 58;

/** Types. */
export const ICMP6_UNREACHABLE = 1;
export const ICMP6_PACKET_TOO_BIG = 2;
export const ICMP6_TIME_EXCEEDED = 3;
export const ICMP6_PARAMETER_PROBLEM = 4;
export const ICMP6_ECHO_REQUEST = 128;
export const ICMP6_ECHO_REPLY = 129;

/** Codes of destination unreachable. */
export const UNREACHABLE6_NO_ROUTE = 0;
export const UNREACHABLE6_PROHIBITED = 1;
export const UNREACHABLE6_ADDRESS = 3;
export const UNREACHABLE6_PORT = 4;

const REDIRECT = 137;

/** Whether no error may be sent about a message of this type: an error, or a redirect (section 2.4 (e)). */
export function isIcmp6Error(type: number): boolean {
  return type < 128 || type === REDIRECT;
}
