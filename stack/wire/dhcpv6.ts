/**
 * DHCP for IPv6 (RFC 8415, section 8 and 21.1):
 *
 *     type (1) | transaction (3) | options ...        option: code (2) | length (2) | ...
 *
 * @module
 */
import { IpAddress } from "../base/address.ts";
import { get16, put16 } from "../base/bytes.ts";

/** The port of servers (section 7.2). */
export const DHCPV6_SERVER_PORT = 547;

/** The multicast address of all servers on a link (section 7.1). */
export const ALL_DHCP_SERVERS: IpAddress = IpAddress.parse("ff02::1:2");

/** Message types (section 7.3). */
export const DHCPV6_REPLY = 7;
export const DHCPV6_INFORMATION_REQUEST = 11;

/** Option codes (section 21; RFC 3646, section 3). */
export const OPTION6_CLIENT = 1;
export const OPTION6_SERVER = 2;
export const OPTION6_IA_NA = 3;
export const OPTION6_IA_TA = 4;
export const OPTION6_NAME_SERVERS = 23;
export const OPTION6_SEARCH_LIST = 24;
export const OPTION6_IA_PD = 25;
export const OPTION6_REFRESH_TIME = 32;

const TRANSACTION = 1;
const OPTIONS = 4;
const OPTION_HEADER = 4;

/** The longest DHCP unique identifier: 128 bytes after its type (section 11.1). */
const MAX_DUID = 130;

/** A message. */
export interface Dhcpv6Message {
  readonly type: number;
  /** The transaction id, 3 bytes. */
  readonly transaction: Uint8Array;
  /** The options by code; of several with one code, the first. */
  readonly options: ReadonlyMap<number, Uint8Array>;
}

/** The message in `bytes[offset..end)`; null if it is malformed, or a relay's, which has another format. */
export function parseDhcpv6(bytes: Uint8Array, offset: number, end: number): Dhcpv6Message | null {
  if (end - offset < OPTIONS) return null;
  const options = new Map<number, Uint8Array>();
  let at = offset + OPTIONS;
  while (at < end) {
    const next = at + OPTION_HEADER <= end ? at + OPTION_HEADER + get16(bytes, at + 2) : end + 1;
    if (next > end) return null;
    const code = get16(bytes, at);
    if (!options.has(code)) options.set(code, bytes.slice(at + OPTION_HEADER, next));
    at = next;
  }
  if ((options.get(OPTION6_CLIENT)?.length ?? 0) > MAX_DUID) return null;
  const transaction = bytes.slice(offset + TRANSACTION, offset + OPTIONS);
  return { type: bytes[offset], transaction, options };
}

/** A message with these options. */
export function buildDhcpv6(
  type: number,
  transaction: Uint8Array,
  options: readonly (readonly [code: number, data: Uint8Array])[],
): Uint8Array {
  const bytes = new Uint8Array(OPTIONS + options.reduce((sum, [, data]) => sum + OPTION_HEADER + data.length, 0));
  bytes[0] = type;
  bytes.set(transaction, TRANSACTION);
  let at = OPTIONS;
  for (const [code, data] of options) {
    put16(bytes, at, code);
    put16(bytes, at + 2, data.length);
    bytes.set(data, at + OPTION_HEADER);
    at += OPTION_HEADER + data.length;
  }
  return bytes;
}

/** The identifier of a server or client by its Ethernet address (DUID-LL, section 11.4). */
export function duidOf(mac: Uint8Array): Uint8Array {
  return Uint8Array.of(0, 3, 0, 1, ...mac);
}
