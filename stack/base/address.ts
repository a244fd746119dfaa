/**
 * IP addresses and endpoints, as the stack and its users exchange them. Both are immutable values. The per-packet path
 * makes none; packets are matched by the bytes at an offset.
 *
 * @module
 */

/** The version of an IP packet or address. */
export type IpVersion = 4 | 6;

/** An IPv4 or IPv6 address. */
export class IpAddress {
  private text: string | undefined;

  /** @param bytes 4 or 16 bytes in network order; kept, not copied, so the caller must not change them later. */
  private constructor(readonly version: IpVersion, readonly bytes: Uint8Array) {}

  /** The address at `offset` of `bytes` (copied). */
  static at(bytes: Uint8Array, offset: number, version: IpVersion): IpAddress {
    return new IpAddress(version, bytes.slice(offset, offset + (version === 4 ? 4 : 16)));
  }

  /** An address of 4 or 16 bytes (copied). Throws a RangeError for any other length. */
  static of(bytes: Uint8Array | readonly number[]): IpAddress {
    if (bytes.length !== 4 && bytes.length !== 16) {
      throw new RangeError(`an IP address has 4 or 16 bytes, not ${bytes.length}`);
    }
    return new IpAddress(bytes.length === 4 ? 4 : 6, Uint8Array.from(bytes));
  }

  /**
   * Reads dotted decimal or RFC 4291 text (no zone, no brackets, no leading zeros in IPv4 parts).
   * Throws a TypeError with the text if it is neither.
   *
   * @example
   * ```ts
   * IpAddress.parse("10.0.2.100").version; // 4
   * IpAddress.parse("fd00:0:0::64").toString(); // "fd00::64"
   * ```
   */
  static parse(text: string): IpAddress {
    const bytes = text.includes(":") ? parseIpv6(text) : parseIpv4(text);
    if (bytes === null) throw new TypeError(`not an IP address: ${JSON.stringify(text)}`);
    return new IpAddress(bytes.length === 4 ? 4 : 6, bytes);
  }

  /** As {@linkcode parse}, but returns null if the text is no IP address. */
  static tryParse(text: string): IpAddress | null {
    const bytes = text.includes(":") ? parseIpv6(text) : parseIpv4(text);
    return bytes === null ? null : new IpAddress(bytes.length === 4 ? 4 : 6, bytes);
  }

  /** Whether both are the same address of the same version. */
  equals(other: IpAddress): boolean {
    return this === other || (this.version === other.version && this.isAt(other.bytes, 0));
  }

  /** Whether the bytes at `offset` are this address. */
  isAt(bytes: Uint8Array, offset: number): boolean {
    const own = this.bytes;
    for (let i = 0; i < own.length; i++) if (own[i] !== bytes[offset + i]) return false;
    return true;
  }

  /** Dotted decimal, or the canonical IPv6 text of RFC 5952. */
  toString(): string {
    return this.text ??= this.version === 4 ? this.bytes.join(".") : formatIpv6(this.bytes);
  }
}

/** An address and a port (0..65535): one end of a TCP connection or of a UDP exchange. */
export interface Endpoint {
  readonly address: IpAddress;
  readonly port: number;
}

/** `10.0.2.2:80`, `[fd00::2]:80`. */
export function formatEndpoint(endpoint: Endpoint): string {
  const { address, port } = endpoint;
  return address.version === 4 ? `${address}:${port}` : `[${address}]:${port}`;
}

function parseIpv4(text: string): Uint8Array | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return null;
  const bytes = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    const part = match[i + 1];
    if ((part.length > 1 && part[0] === "0") || Number(part) > 255) return null;
    bytes[i] = Number(part);
  }
  return bytes;
}

function parseIpv6(text: string): Uint8Array | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const groups = halves.map((half) => half === "" ? [] : half.split(":"));
  const last = groups.at(-1)!;
  if (last.length > 0 && last.at(-1)!.includes(".")) { // the last 32 bits in dotted decimal
    const embedded = parseIpv4(last.pop()!);
    if (embedded === null) return null;
    last.push((embedded[0] << 8 | embedded[1]).toString(16), (embedded[2] << 8 | embedded[3]).toString(16));
  }
  const count = groups.reduce((sum, part) => sum + part.length, 0);
  if (halves.length === 2 ? count > 7 : count !== 8) return null;
  const all = halves.length === 2 ? [...groups[0], ...Array(8 - count).fill("0"), ...groups[1]] : groups[0];
  const bytes = new Uint8Array(16);
  for (let i = 0; i < 8; i++) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(all[i])) return null;
    const group = parseInt(all[i], 16);
    bytes[2 * i] = group >> 8;
    bytes[2 * i + 1] = group & 0xff;
  }
  return bytes;
}

function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i] << 8) | bytes[2 * i + 1]);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${bytes.subarray(12).join(".")}`; // RFC 5952, section 5
  }
  let start = -1, length = 1; // the longest run of two or more zero groups, the first of equals (RFC 5952, section 4.2)
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
    if (end > i) i = end;
  }
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  return start < 0 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}
