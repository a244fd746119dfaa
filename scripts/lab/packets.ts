/**
 * Packets for tests and for the fuzzer, put together byte by byte, without the code of the stack that they try.
 *
 * @module
 */
/** Bytes written as hex; white space, and comments from `#` to the end of the line, don't count. */
export function hex(text: string): Uint8Array {
  const digits = text.replace(/#.*$/gm, "").replace(/\s+/g, "");
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) throw new SyntaxError(`not hex: ${digits}`);
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

/** The bytes as hex, for comparisons that a person can read. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Bytes one after the other. */
export function concat(...pieces: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** The guest's hardware address, as the packets in the tests have it, and the program's. */
export const GUEST_MAC = "020000000100";
export const OUR_MAC = "7071aa4b29aa";

/** An Ethernet header from the guest to us. */
export function ethernet(type: 0x0800 | 0x0806 | 0x86dd, to = OUR_MAC): Uint8Array {
  return hex(to + GUEST_MAC + type.toString(16).padStart(4, "0"));
}

/** The Internet checksum of bytes, the slow and plain way of RFC 1071. */
export function referenceChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += bytes[i] * 256 + (i + 1 < bytes.length ? bytes[i + 1] : 0);
    if (sum > 0xffff) sum = (sum & 0xffff) + 1;
  }
  return 0xffff - sum;
}

/** A copy with the 16-bit number at `offset` replaced. */
export function with16(bytes: Uint8Array, offset: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[offset] = value >> 8;
  copy[offset + 1] = value & 0xff;
  return copy;
}

/** A 16-bit number as two bytes. */
export function be16(value: number): number[] {
  return [value >> 8, value & 0xff];
}

/** Fields of an IPv4 packet of the tests; the addresses are those of the guest and of 198.51.100.7 unless given. */
export interface Ipv4Fields {
  readonly protocol: number;
  readonly source?: readonly number[];
  readonly destination?: readonly number[];
  readonly identification?: number;
  /** Flags and fragment offset in units of 8 bytes. */
  readonly fragment?: number;
  readonly options?: readonly number[];
}

/** An IPv4 packet with a right header checksum. */
export function ipv4(fields: Ipv4Fields, payload: Uint8Array | readonly number[]): Uint8Array {
  const { protocol, source = [10, 0, 2, 100], destination = [198, 51, 100, 7], options = [] } = fields;
  const { identification = 0x1234, fragment = 0 } = fields;
  const length = 20 + options.length;
  const header = concat(
    [0x40 | length / 4, 0, ...be16(length + payload.length), ...be16(identification), ...be16(fragment)],
    [64, protocol, 0, 0, ...source, ...destination, ...options],
  );
  return concat(with16(header, 10, referenceChecksum(header)), payload);
}

/** The addresses of most IPv6 packets of the tests. */
export const GUEST6 = "fd000000000000000000000000000100";
export const REMOTE6 = "20010db8000000000000000000000007";

/** An IPv6 packet. `payload` starts with the header that `next` names. */
export function ipv6(next: number, payload: Uint8Array, source = GUEST6, destination = REMOTE6, hops = 64): Uint8Array {
  return concat([0x60, 0, 0, 0, ...be16(payload.length), next, hops], hex(source), hex(destination), payload);
}

/** A copy of a transport header and payload with the right checksum at `field`, for addresses as hex. */
export function checksummed(
  bytes: Uint8Array,
  field: number,
  protocol: number,
  source: string,
  destination: string,
): Uint8Array {
  const pseudo = concat(hex(source), hex(destination), [0, 0, ...be16(bytes.length), 0, protocol]);
  return with16(bytes, field, referenceChecksum(concat(pseudo, with16(bytes, field, 0))));
}

/** A UDP datagram without checksum. */
export function udp(source: number, destination: number, payload: Uint8Array | readonly number[]): Uint8Array {
  return concat(be16(source), be16(destination), be16(8 + payload.length), [0, 0], payload);
}
