/**
 * DHCP for IPv4 (RFC 2131, section 2), its options (RFC 2132, section 2):
 *
 *     op (1) | htype (1) | hlen (1) | hops (1) | xid (4) | secs (2) | flags (2) | ciaddr (4) | yiaddr (4) | siaddr (4)
 *     giaddr (4) | chaddr (16) | sname (64) | file (128) | magic cookie (4) | options ...
 *
 *     option: code (1) | length (1) | ...        pad: 0        end: 255
 *
 * @module
 */
import { copyShort, get16, get32, put16, put32, sameBytes } from "../base/bytes.ts";
import { MAC_LENGTH } from "./ethernet.ts";

/** The ports of servers and clients. */
export const DHCPV4_SERVER_PORT = 67;
export const DHCPV4_CLIENT_PORT = 68;

/** Message types (RFC 2132, section 9.6). */
export const DHCPDISCOVER = 1;
export const DHCPOFFER = 2;
export const DHCPREQUEST = 3;
export const DHCPACK = 5;
export const DHCPNAK = 6;
export const DHCPINFORM = 8;

/** Option codes (RFC 2132; the search list: RFC 3397). */
export const OPTION_SUBNET_MASK = 1;
export const OPTION_ROUTER = 3;
export const OPTION_NAME_SERVERS = 6;
export const OPTION_DOMAIN = 15;
export const OPTION_MTU = 26;
export const OPTION_BROADCAST = 28;
export const OPTION_LEASE_TIME = 51;
export const OPTION_SERVER = 54;
export const OPTION_RENEWAL_TIME = 58;
export const OPTION_REBINDING_TIME = 59;
export const OPTION_SEARCH_LIST = 119;
const OPTION_PAD = 0;
const OPTION_REQUESTED_ADDRESS = 50;
const OPTION_MESSAGE_TYPE = 53;
const OPTION_CLIENT = 61;
const OPTION_END = 255;

const OP = 0;
const HTYPE = 1;
const HLEN = 2;
const XID = 4;
const FLAGS = 10;
const CIADDR = 12;
const YIADDR = 16;
const GIADDR = 24;
const CHADDR = 28, CHADDR_LENGTH = 16;
const COOKIE = 236;
const OPTIONS = 240;

/** A hardware type (IANA "ARP Parameters"). */
const HTYPE_ETHERNET = 1;
const BOOTREQUEST = 1, BOOTREPLY = 2;
const MAGIC_COOKIE = 0x63825363;
const BROADCAST_FLAG = 0x8000;

/** The shortest message that BOOTP's clients accept (RFC 951, section 3). */
const DHCPV4_MIN_LENGTH = 300;

/** A client's message. Addresses have 4 bytes. */
export interface Dhcpv4Request {
  readonly type: number;
  /** The start of the message, which an answer repeats. */
  readonly head: Uint8Array;
  /** The client identifier, which an answer repeats (RFC 6842); null: none. */
  readonly client: Uint8Array | null;
  /** The client's hardware address on Ethernet; null: it has none, or another kind. */
  readonly mac: Uint8Array | null;
  /** Whether the client can't receive packets to an address that it does not have yet. */
  readonly broadcast: boolean;
  /** The client's present address; null: none. */
  readonly clientAddress: Uint8Array | null;
  /** The address that the client requests; null: none. */
  readonly requested: Uint8Array | null;
  /** The server that the client has selected; null: none. */
  readonly server: Uint8Array | null;
  /** Whether the message came through a relay. */
  readonly relayed: boolean;
}

/** An option: its code, and at most 255 bytes of data. */
export type Dhcpv4Option = readonly [code: number, data: readonly number[] | Uint8Array];

/** The client's message in `bytes[offset..end)`; null if it is malformed, or not a DHCP client's. */
export function parseDhcpv4(bytes: Uint8Array, offset: number, end: number): Dhcpv4Request | null {
  if (end - offset < OPTIONS || bytes[offset + OP] !== BOOTREQUEST || bytes[offset + HLEN] > CHADDR_LENGTH) return null;
  if (get32(bytes, offset + COOKIE) !== MAGIC_COOKIE) return null;
  const options = parseOptions(bytes, offset + OPTIONS, end);
  const type = options?.get(OPTION_MESSAGE_TYPE);
  if (options === null || type?.length !== 1) return null;
  const address = (code: number): Uint8Array | null | undefined => {
    const data = options.get(code);
    return data === undefined ? null : data.length === 4 ? data : undefined;
  };
  const requested = address(OPTION_REQUESTED_ADDRESS), server = address(OPTION_SERVER);
  if (requested === undefined || server === undefined) return null;
  const onEthernet = bytes[offset + HTYPE] === HTYPE_ETHERNET && bytes[offset + HLEN] === MAC_LENGTH;
  const clientAddress = bytes.slice(offset + CIADDR, offset + CIADDR + 4);
  return {
    type: type[0],
    head: bytes.slice(offset, offset + CHADDR + CHADDR_LENGTH),
    client: options.get(OPTION_CLIENT) ?? null,
    mac: onEthernet ? bytes.slice(offset + CHADDR, offset + CHADDR + MAC_LENGTH) : null,
    broadcast: (get16(bytes, offset + FLAGS) & BROADCAST_FLAG) !== 0,
    clientAddress: isZero(clientAddress) ? null : clientAddress,
    requested,
    server,
    relayed: !sameBytes(bytes, offset + GIADDR, NO_ADDRESS, 0, 4),
  };
}

/**
 * A server's answer, padded to {@linkcode DHCPV4_MIN_LENGTH}.
 *
 * @param yours the address for the client, 4 bytes; null: none
 */
export function buildDhcpv4(
  request: Dhcpv4Request,
  type: number,
  yours: Uint8Array | null,
  options: readonly Dhcpv4Option[],
): Uint8Array {
  const all: Dhcpv4Option[] = [[OPTION_MESSAGE_TYPE, [type]], ...options];
  if (request.client !== null) all.push([OPTION_CLIENT, request.client]);
  const length = OPTIONS + all.reduce((sum, [, data]) => sum + 2 + data.length, 1);
  const bytes = new Uint8Array(Math.max(length, DHCPV4_MIN_LENGTH));
  const { head } = request;
  bytes[OP] = BOOTREPLY;
  copyShort(head, HTYPE, bytes, HTYPE, 2);
  copyShort(head, XID, bytes, XID, 4);
  put16(bytes, FLAGS, request.broadcast ? BROADCAST_FLAG : 0);
  if (type !== DHCPNAK) copyShort(head, CIADDR, bytes, CIADDR, 4);
  if (yours !== null) copyShort(yours, 0, bytes, YIADDR, 4);
  copyShort(head, CHADDR, bytes, CHADDR, CHADDR_LENGTH);
  put32(bytes, COOKIE, MAGIC_COOKIE);
  let at = OPTIONS;
  for (const [code, data] of all) {
    bytes[at] = code;
    bytes[at + 1] = data.length;
    bytes.set(data, at + 2);
    at += 2 + data.length;
  }
  bytes[at] = OPTION_END;
  return bytes;
}

const NO_ADDRESS = new Uint8Array(4);

function isZero(address: Uint8Array): boolean {
  return sameBytes(address, 0, NO_ADDRESS, 0, 4);
}

/** The options by their codes, the first of each; null if one extends past the end. An end mark is not required. */
function parseOptions(bytes: Uint8Array, offset: number, end: number): Map<number, Uint8Array> | null {
  const options = new Map<number, Uint8Array>();
  let at = offset;
  while (at < end && bytes[at] !== OPTION_END) {
    if (bytes[at] === OPTION_PAD) {
      at++;
      continue;
    }
    const next = at + 1 < end ? at + 2 + bytes[at + 1] : end + 1;
    if (next > end) return null;
    if (!options.has(bytes[at])) options.set(bytes[at], bytes.slice(at + 2, next));
    at = next;
  }
  return options;
}
