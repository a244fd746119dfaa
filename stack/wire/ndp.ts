/**
 * The messages of neighbour discovery (RFC 4861, section 4), which are ICMPv6 messages:
 *
 *     router solicitation      | 133 | 0 | checksum | reserved (4) | options ...
 *     router advertisement     | 134 | 0 | checksum | hop limit (1) | flags (1) | router lifetime, s (2)
 *                              | reachable time, ms (4) | retransmission timer, ms (4) | options ...
 *     neighbour solicitation   | 135 | 0 | checksum | reserved (4) | target (16) | options ...
 *     neighbour advertisement  | 136 | 0 | checksum | flags (1), reserved (3) | target (16) | options ...
 *
 * and their options, with lengths in units of 8 bytes:
 *
 *     | type (1) | length (1) | ...
 *
 * @module
 */
import type { IpAddress } from "../base/address.ts";
import { copyShort, put32 } from "../base/bytes.ts";
import { MAC_LENGTH } from "./ethernet.ts";
import { putIcmp } from "./icmp.ts";
import { isMulticast6 } from "./ipv6.ts";

/** Types. */
export const ROUTER_SOLICITATION = 133;
export const ROUTER_ADVERTISEMENT = 134;
export const NEIGHBOUR_SOLICITATION = 135;
export const NEIGHBOUR_ADVERTISEMENT = 136;

/** The hop limit of messages from the link itself. Others must be ignored (section 6.1, 7.1). */
export const NDP_HOP_LIMIT = 255;

const CODE = 1;
const TARGET = 8;
const ADVERTISEMENT_TIMES = 8;

const ROUTER_SOLICITATION_LENGTH = 8;
/** The length of a router advertisement without its options. */
export const ROUTER_ADVERTISEMENT_LENGTH = 16;

const NEIGHBOUR_LENGTH = 24;

/** Flags of a neighbour advertisement. */
export const NA_ROUTER = 0x80;
export const NA_SOLICITED = 0x40;
export const NA_OVERRIDE = 0x20;

/** Flag of a router advertisement: DHCP has information other than addresses. */
const RA_OTHER = 0x40;

/** Flags of a prefix: it is on this link; hosts may make addresses from it. */
const PREFIX_ON_LINK = 0x80, PREFIX_AUTONOMOUS = 0x40;
const PREFIX_BITS = 64;

/** Option types (section 4.6; RFC 8106, section 5). */
const OPTION_SOURCE_LINK_ADDRESS = 1;
const OPTION_TARGET_LINK_ADDRESS = 2;
const OPTION_PREFIX = 3;
const OPTION_MTU = 5;
const OPTION_NAME_SERVERS = 25;
const OPTION_SEARCH_LIST = 31;

const LINK_ADDRESS_LENGTH = 8;
const MTU_LENGTH = 8;
const PREFIX_LENGTH = 32;
const NAME_SERVERS_LENGTH = 8;
const SEARCH_LIST_LENGTH = 8;

/** The length of a neighbour message as it is written here, option included. */
export const NEIGHBOUR_MESSAGE = NEIGHBOUR_LENGTH + LINK_ADDRESS_LENGTH;

/**
 * Whether the ICMPv6 message in `bytes[offset..end)`, of the types above, is well-formed: code, length, target, and
 * every option's length (sections 6.1.1, 7.1.1 and 7.1.2). The caller checks hop limit and checksum.
 */
export function isNdp(bytes: Uint8Array, offset: number, end: number): boolean {
  const type = bytes[offset];
  const neighbour = type === NEIGHBOUR_SOLICITATION || type === NEIGHBOUR_ADVERTISEMENT;
  const fixed = neighbour
    ? NEIGHBOUR_LENGTH
    : type === ROUTER_SOLICITATION
    ? ROUTER_SOLICITATION_LENGTH
    : ROUTER_ADVERTISEMENT_LENGTH;
  if (end - offset < fixed || bytes[offset + CODE] !== 0) return false;
  if (neighbour && isMulticast6(bytes, offset + TARGET)) return false;
  let at = offset + fixed;
  while (at < end) {
    const length = at + 1 < end ? 8 * bytes[at + 1] : 0;
    if (length === 0 || at + length > end) return false;
    at += length;
  }
  return true;
}

/** Offset of the target address of a neighbour message. */
export function ndpTarget(offset: number): number {
  return offset + TARGET;
}

/** Writes a neighbour solicitation (flags 0) or advertisement with a link-layer address option. The checksum is 0. */
export function putNeighbourMessage(
  bytes: Uint8Array,
  offset: number,
  type: number,
  flags: number,
  target: IpAddress,
  mac: Uint8Array,
): void {
  putIcmp(bytes, offset, type, 0, flags << 24);
  copyShort(target.bytes, 0, bytes, offset + TARGET, 16);
  const option = type === NEIGHBOUR_SOLICITATION ? OPTION_SOURCE_LINK_ADDRESS : OPTION_TARGET_LINK_ADDRESS;
  putLinkAddress(bytes, offset + NEIGHBOUR_LENGTH, option, mac);
}

/** The content of a router advertisement. */
export interface RouterAdvertisement {
  readonly hopLimit: number;
  /** The lifetime of the default router and of the name servers, in seconds. */
  readonly lifetime: number;
  /** Whether DHCP has more information. */
  readonly otherConfiguration: boolean;
  /** The sender's hardware address. */
  readonly mac: Uint8Array;
  /** The link's MTU; null: the option is left out. */
  readonly mtu: number | null;
  /** An address with the link's 64-bit prefix, from which hosts may make addresses; null: the option is left out. */
  readonly prefix: IpAddress | null;
  /** The valid and the preferred lifetime of the prefix, in seconds. */
  readonly validLifetime: number;
  readonly preferredLifetime: number;
  /** IPv6 addresses of name servers; empty: the option is left out. */
  readonly nameServers: readonly IpAddress[];
  /** Search domains in DNS format, one after the other; empty: the option is left out. */
  readonly searchDomains: Uint8Array;
}

/** The length of a router advertisement, options included. */
export function routerAdvertisementLength({ mtu, prefix, nameServers, searchDomains }: RouterAdvertisement): number {
  return ROUTER_ADVERTISEMENT_LENGTH + LINK_ADDRESS_LENGTH + (mtu === null ? 0 : MTU_LENGTH) +
    (prefix === null ? 0 : PREFIX_LENGTH) +
    (nameServers.length === 0 ? 0 : NAME_SERVERS_LENGTH + 16 * nameServers.length) +
    (searchDomains.length === 0 ? 0 : searchListLength(searchDomains));
}

/** Writes a router advertisement. The checksum is 0. */
export function putRouterAdvertisement(bytes: Uint8Array, offset: number, message: RouterAdvertisement): void {
  const { hopLimit, lifetime, otherConfiguration, mac, mtu, prefix, nameServers, searchDomains } = message;
  const flags = otherConfiguration ? RA_OTHER : 0;
  putIcmp(bytes, offset, ROUTER_ADVERTISEMENT, 0, (hopLimit << 24) | (flags << 16) | lifetime);
  put32(bytes, offset + ADVERTISEMENT_TIMES, 0); // reachable time and retransmission timer: not specified
  put32(bytes, offset + ADVERTISEMENT_TIMES + 4, 0);
  let at = offset + ROUTER_ADVERTISEMENT_LENGTH;
  putLinkAddress(bytes, at, OPTION_SOURCE_LINK_ADDRESS, mac);
  at += LINK_ADDRESS_LENGTH;
  if (mtu !== null) {
    put32(bytes, at, (OPTION_MTU << 24) | (1 << 16));
    put32(bytes, at + 4, mtu);
    at += MTU_LENGTH;
  }
  if (prefix !== null) {
    putPrefix(bytes, at, prefix, message);
    at += PREFIX_LENGTH;
  }
  if (nameServers.length > 0) {
    putNameServers(bytes, at, lifetime, nameServers);
    at += NAME_SERVERS_LENGTH + 16 * nameServers.length;
  }
  if (searchDomains.length > 0) putSearchList(bytes, at, lifetime, searchDomains);
}

/** A prefix information option (section 4.6.2). */
function putPrefix(
  bytes: Uint8Array,
  at: number,
  prefix: IpAddress,
  { validLifetime, preferredLifetime }: RouterAdvertisement,
): void {
  const flags = PREFIX_ON_LINK | PREFIX_AUTONOMOUS;
  put32(bytes, at, (OPTION_PREFIX << 24) | (PREFIX_LENGTH / 8 << 16) | (PREFIX_BITS << 8) | flags);
  put32(bytes, at + 4, validLifetime);
  put32(bytes, at + 8, preferredLifetime);
  bytes.fill(0, at + 12, at + PREFIX_LENGTH);
  copyShort(prefix.bytes, 0, bytes, at + 16, PREFIX_BITS / 8);
}

/** A recursive DNS server option (RFC 8106, section 5.1). */
function putNameServers(bytes: Uint8Array, at: number, lifetime: number, servers: readonly IpAddress[]): void {
  put32(bytes, at, (OPTION_NAME_SERVERS << 24) | (1 + 2 * servers.length << 16));
  put32(bytes, at + 4, lifetime);
  servers.forEach((server, index) => copyShort(server.bytes, 0, bytes, at + NAME_SERVERS_LENGTH + 16 * index, 16));
}

/** The length of a search list option, which is padded to a multiple of 8 bytes. */
function searchListLength(domains: Uint8Array): number {
  return SEARCH_LIST_LENGTH + 8 * Math.ceil(domains.length / 8);
}

/** A DNS search list option (RFC 8106, section 5.2). */
function putSearchList(bytes: Uint8Array, at: number, lifetime: number, domains: Uint8Array): void {
  const length = searchListLength(domains);
  put32(bytes, at, (OPTION_SEARCH_LIST << 24) | (length / 8 << 16));
  put32(bytes, at + 4, lifetime);
  bytes.set(domains, at + SEARCH_LIST_LENGTH);
  bytes.fill(0, at + SEARCH_LIST_LENGTH + domains.length, at + length);
}

function putLinkAddress(bytes: Uint8Array, at: number, type: number, mac: Uint8Array): void {
  bytes[at] = type;
  bytes[at + 1] = 1;
  copyShort(mac, 0, bytes, at + 2, MAC_LENGTH);
}
