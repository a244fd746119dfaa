/**
 * ICMP's types and codes (RFC 792; RFC 1812, section 5.2.7.1). The header is in `icmp.ts`.
 *
 * @module
 */

/** The IP protocol number of ICMP. */
export const ICMP_PROTOCOL = 1;

/** Types. */
export const ICMP4_ECHO_REPLY = 0;
export const ICMP4_UNREACHABLE = 3;
const ICMP4_SOURCE_QUENCH = 4;
const ICMP4_REDIRECT = 5;
export const ICMP4_ECHO_REQUEST = 8;
export const ICMP4_TIME_EXCEEDED = 11;
const ICMP4_PARAMETER_PROBLEM = 12;

/** Codes of destination unreachable. */
export const UNREACHABLE4_NETWORK = 0;
export const UNREACHABLE4_HOST = 1;
export const UNREACHABLE4_PROTOCOL = 2;
export const UNREACHABLE4_PORT = 3;
export const UNREACHABLE4_FRAGMENTATION_NEEDED = 4;
/** Communication administratively prohibited. */
export const UNREACHABLE4_PROHIBITED = 13;

/** Codes of time exceeded, of ICMPv6 as well: in transit; fragment reassembly. */
export const TIME_EXCEEDED_TRANSIT = 0;
export const TIME_EXCEEDED_REASSEMBLY = 1;

/** Whether a message of this type is about another packet, so that no error may be sent about it (RFC 1122, 3.2.2). */
export function isIcmp4Error(type: number): boolean {
  return type === ICMP4_UNREACHABLE || type === ICMP4_SOURCE_QUENCH || type === ICMP4_REDIRECT ||
    type === ICMP4_TIME_EXCEEDED || type === ICMP4_PARAMETER_PROBLEM;
}
