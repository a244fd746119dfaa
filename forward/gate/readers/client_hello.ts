/**
 * Reads the ClientHello at the beginning of a TLS connection, for the name that it asks for.
 *
 *     records of type handshake → joined → ClientHello (RFC 8446, section 4.1.2) → extensions → server_name (RFC 6066)
 *
 * The reader is strict where a server might read something else than this program does:
 *
 * | found | answer |
 * | --- | --- |
 * | no record of TLS at the beginning | none |
 * | another record before the ClientHello, or another record or message within it | malformed |
 * | lengths that don't add up, an extension twice, bytes after the ClientHello in its last record | malformed |
 * | no server_name, or none of type host_name | no name |
 * | two names, or another than ASCII labels: an address, a NUL, a dot at the end | malformed |
 * | encrypted_client_hello (RFC 9849) | no name, unless the caller allows it: the name that counts may be inside |
 *
 * Browsers send encrypted_client_hello with random contents (GREASE) to servers without keys for it. By design, only the
 * server can tell these from real ones.
 *
 * @module
 */
import { shownName } from "../../policy/names/canonical.ts";
import { MALFORMED, more, NO_NAME, NONE, type Reading } from "./reading.ts";

/** The contents of a ClientHello. */
export interface ClientHello {
  /** In the form of policy/names/canonical.ts. */
  readonly name: string;
  /** The protocols offered by ALPN (RFC 7301), those of printable ASCII. */
  readonly alpn: readonly string[];
  /** Whether it has an encrypted_client_hello. */
  readonly ech: boolean;
}

/** The first byte of a TLS connection (RFC 8446, section 5.1). */
export const CONTENT_HANDSHAKE = 22;
/** The record types: change_cipher_spec (20) to heartbeat (24, RFC 6520). */
const CONTENT_FIRST = 20, CONTENT_LAST = 24;
const RECORD_HEADER = 5;
/** RFC 8446, section 5.1: the length of a plaintext record. */
const MAX_RECORD = 1 << 14;

const TYPE_CLIENT_HELLO = 1;
const MESSAGE_HEADER = 4;
const MAJOR_VERSION = 3;
const RANDOM_LENGTH = 32;
const MAX_SESSION_ID = 32;

const EXTENSION_SERVER_NAME = 0;
const EXTENSION_ALPN = 16;
/** RFC 9849, section 5. */
const EXTENSION_ECH = 0xfe0d;
const NAME_TYPE_HOST = 0;

/**
 * Reads a ClientHello from the records in `bytes[start..end)`.
 *
 * @param echAllowed whether an encrypted_client_hello is accepted
 */
export function readClientHello(
  bytes: Uint8Array,
  start: number,
  end: number,
  echAllowed: boolean,
): Reading<ClientHello> {
  const length = end - start;
  if (length > 0 && bytes[start] !== CONTENT_HANDSHAKE) return otherRecord(bytes, start, end);
  if (length > 1 && bytes[start + 1] !== MAJOR_VERSION) return NONE;
  if (length < RECORD_HEADER + MESSAGE_HEADER) return shortStart(bytes, start, end);
  const first = uint16(bytes, start + 3);
  const at = start + RECORD_HEADER;
  if (first >= MESSAGE_HEADER) {
    if (bytes[at] !== TYPE_CLIENT_HELLO) return MALFORMED;
    const size = MESSAGE_HEADER + uint24(bytes, at + 1);
    if (size === first) { // the usual case: one record with nothing else
      if (size > MAX_RECORD) return MALFORMED;
      return at + size > end ? more(at + size - start) : readMessage(bytes, at, at + size, echAllowed);
    }
  }
  return readJoined(bytes, start, end, echAllowed);
}

/** Servers skip alerts before a ClientHello (CVE-2016-8610 is a flood of them), so these are no other protocol. */
function otherRecord(bytes: Uint8Array, start: number, end: number): Reading<never> {
  if (bytes[start] < CONTENT_FIRST || bytes[start] > CONTENT_LAST) return NONE;
  if (end - start < 2) return more(2);
  return bytes[start + 1] === MAJOR_VERSION ? MALFORMED : NONE;
}

/** Fewer bytes than a record header and a message header. */
function shortStart(bytes: Uint8Array, start: number, end: number): Reading<never> {
  if (end - start >= RECORD_HEADER) {
    const size = uint16(bytes, start + 3);
    if (size === 0 || size > MAX_RECORD) return MALFORMED;
    if (end - start > RECORD_HEADER && bytes[start + RECORD_HEADER] !== TYPE_CLIENT_HELLO) return MALFORMED;
  }
  return more(RECORD_HEADER + MESSAGE_HEADER);
}

/** A ClientHello in several records, or the beginning of one. */
function readJoined(bytes: Uint8Array, start: number, end: number, echAllowed: boolean): Reading<ClientHello> {
  const joined = new Uint8Array(end - start);
  let size = 0; // of what was joined
  let wanted = MESSAGE_HEADER; // of the message, as far as it is known
  for (let at = start;;) {
    if (end - at < RECORD_HEADER) return more(at - start + RECORD_HEADER + wanted - size);
    if (bytes[at] !== CONTENT_HANDSHAKE || bytes[at + 1] !== MAJOR_VERSION) return MALFORMED;
    const length = uint16(bytes, at + 3);
    if (length === 0 || length > MAX_RECORD) return MALFORMED; // RFC 8446, section 5.1: no empty ones
    at += RECORD_HEADER;
    const stop = Math.min(end, at + length), missing = at + length - stop;
    joined.set(bytes.subarray(at, stop), size);
    size += stop - at;
    at = stop;
    if (size > 0 && joined[0] !== TYPE_CLIENT_HELLO) return MALFORMED;
    if (size >= MESSAGE_HEADER) {
      wanted = MESSAGE_HEADER + uint24(joined, 1);
      if (size + missing > wanted) return MALFORMED; // another message would begin in its last record
      if (size === wanted) return readMessage(joined, 0, wanted, echAllowed);
    }
    if (missing > 0) {
      const behind = wanted - size - missing;
      return more(end - start + missing + (behind > 0 ? RECORD_HEADER + behind : 0));
    }
  }
}

/**
 * Reads a complete handshake message, which must be a ClientHello, from `bytes[start..end)`. QUIC has it without records.
 */
export function readMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  echAllowed: boolean,
): Reading<ClientHello> {
  if (end - start < MESSAGE_HEADER || bytes[start] !== TYPE_CLIENT_HELLO) return MALFORMED;
  if (MESSAGE_HEADER + uint24(bytes, start + 1) !== end - start) return MALFORMED;
  let at = start + MESSAGE_HEADER + 2 + RANDOM_LENGTH;
  if (at >= end || bytes[start + MESSAGE_HEADER] !== MAJOR_VERSION) return MALFORMED;
  const session = bytes[at];
  if (session > MAX_SESSION_ID) return MALFORMED;
  at += 1 + session;
  if (at + 2 > end) return MALFORMED;
  const suites = uint16(bytes, at);
  if (suites < 2 || suites % 2 !== 0) return MALFORMED;
  at += 2 + suites;
  if (at >= end || bytes[at] === 0) return MALFORMED;
  at += 1 + bytes[at]; // compression methods
  if (at === end) return NO_NAME; // no extensions, as before TLS 1.2
  if (at + 2 > end || at + 2 + uint16(bytes, at) !== end) return MALFORMED;
  return readExtensions(bytes, at + 2, end, echAllowed);
}

function readExtensions(bytes: Uint8Array, start: number, end: number, echAllowed: boolean): Reading<ClientHello> {
  const seen = new Set<number>();
  let name: string | null = null, ech = false;
  let alpn: readonly string[] = [];
  for (let at = start; at < end;) {
    if (at + 4 > end) return MALFORMED;
    const type = uint16(bytes, at), from = at + 4;
    at = from + uint16(bytes, at + 2);
    if (at > end || seen.has(type)) return MALFORMED;
    seen.add(type);
    if (type === EXTENSION_SERVER_NAME) {
      name = readServerName(bytes, from, at);
      if (name === null) return MALFORMED;
    } else if (type === EXTENSION_ALPN) {
      const offered = readAlpn(bytes, from, at);
      if (offered === null) return MALFORMED;
      alpn = offered;
    } else if (type === EXTENSION_ECH) ech = true;
  }
  if (name === null || (ech && !echAllowed)) return NO_NAME;
  return { is: "shown", shown: { name, alpn, ech } };
}

/** The only name of type host_name; null: there are several names or none, or another type. */
function readServerName(bytes: Uint8Array, start: number, end: number): string | null {
  if (start + 5 > end || start + 2 + uint16(bytes, start) !== end) return null;
  if (bytes[start + 2] !== NAME_TYPE_HOST || start + 5 + uint16(bytes, start + 3) !== end) return null;
  const text = ascii(bytes, start + 5, end);
  return text === null ? null : shownName(text);
}

/** Null: the lengths don't add up. Protocols of other bytes, as those of GREASE, are left out. */
function readAlpn(bytes: Uint8Array, start: number, end: number): readonly string[] | null {
  if (start + 2 > end || start + 2 + uint16(bytes, start) !== end) return null;
  const protocols: string[] = [];
  for (let at = start + 2; at < end;) {
    const from = at + 1;
    at = from + bytes[at];
    if (at > end || at === from) return null;
    const text = ascii(bytes, from, at);
    if (text !== null && protocols.length < MAX_ALPN) protocols.push(text);
  }
  return protocols;
}

/** The most protocols that are recorded: clients offer two or three. */
const MAX_ALPN = 8;

/** Null: a byte is not printable ASCII. */
function ascii(bytes: Uint8Array, start: number, end: number): string | null {
  let text = "";
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte <= 0x20 || byte >= 0x7f) return null;
    text += String.fromCharCode(byte);
  }
  return text;
}

function uint16(bytes: Uint8Array, at: number): number {
  return bytes[at] << 8 | bytes[at + 1];
}

function uint24(bytes: Uint8Array, at: number): number {
  return bytes[at] << 16 | bytes[at + 1] << 8 | bytes[at + 2];
}
