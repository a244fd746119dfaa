/**
 * Reads the headers of QUIC's long packets (RFC 9000, section 17.2; RFC 9369, section 3.2), and decrypts a client's
 * Initial packets.
 *
 * The keys of Initial packets come from the Destination Connection ID of the client's first one (RFC 9001, section 5.2),
 * so anyone on the path can read them.
 *
 * @module
 */
import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";

/** The versions whose Initial packets can be read. */
export type QuicVersion = 1 | 2;

/** The versions as they are on the wire. */
const VERSION_1 = 0x0000_0001, VERSION_2 = 0x6b33_43cf;

const LONG_HEADER = 0x80, FIXED_BIT = 0x40;
const MAX_CONNECTION_ID = 20;

/** The kinds of long packets, by version and by the two bits of the first byte. */
const TYPES = {
  1: ["initial", "0-rtt", "handshake", "retry"],
  2: ["retry", "initial", "0-rtt", "handshake"],
} as const satisfies Readonly<Record<QuicVersion, readonly string[]>>;

/** The kind of a long packet. */
export type LongType = typeof TYPES[QuicVersion][number];

/** A long packet in a datagram. */
export interface LongPacket {
  readonly version: QuicVersion;
  readonly type: LongType;
  /** The Destination Connection ID: a copy. */
  readonly destination: Uint8Array;
  /** The offsets in the datagram of its beginning, its packet number, and its end. */
  readonly start: number;
  readonly numberAt: number;
  readonly end: number;
}

/** Whether a datagram begins with a long packet. */
export function isLong(bytes: Uint8Array, start: number, end: number): boolean {
  return start < end && (bytes[start] & LONG_HEADER) !== 0;
}

/** Reads the header of the long packet at `start`; null: there is none, it has another version, or it is truncated. */
export function readLongPacket(bytes: Uint8Array, start: number, end: number): LongPacket | null {
  if (start + 7 > end || (bytes[start] & (LONG_HEADER | FIXED_BIT)) !== (LONG_HEADER | FIXED_BIT)) return null;
  const wire = (bytes[start + 1] << 24 | bytes[start + 2] << 16 | bytes[start + 3] << 8 | bytes[start + 4]) >>> 0;
  const version = wire === VERSION_1 ? 1 : wire === VERSION_2 ? 2 : null;
  if (version === null) return null;
  const type = TYPES[version][bytes[start] >> 4 & 3];
  const destinationAt = start + 6, destinationEnd = destinationAt + bytes[start + 5];
  if (destinationEnd >= end || destinationEnd - destinationAt > MAX_CONNECTION_ID) return null;
  let at = destinationEnd + 1 + bytes[destinationEnd]; // behind the Source Connection ID
  if (bytes[destinationEnd] > MAX_CONNECTION_ID || at > end || type === "retry") return null;
  const field = new Varint();
  if (type === "initial") {
    if (!field.read(bytes, at, end)) return null;
    at = field.end + field.value; // behind the token
  }
  if (!field.read(bytes, at, end) || field.end + field.value > end) return null;
  const destination = bytes.slice(destinationAt, destinationEnd);
  return { version, type, destination, start, numberAt: field.end, end: field.end + field.value };
}

/** A reader of variable-length integers (RFC 9000, section 16), and the last one that it read. */
export class Varint {
  value = 0;
  /** The offset after it. */
  end = 0;

  /** Reads an integer. Returns false if it is truncated. */
  read(bytes: Uint8Array, at: number, end: number): boolean {
    if (at >= end) return false;
    const length = 1 << (bytes[at] >> 6);
    if (at + length > end) return false;
    let value = bytes[at] & 0x3f;
    for (let i = 1; i < length; i++) value = value * 256 + bytes[at + i]; // inexact past 2^53, and then past any end
    this.value = value;
    this.end = at + length;
    return true;
  }
}

/** RFC 9001, section 5.2, and RFC 9369, section 3.3.1. */
const SALTS: Readonly<Record<QuicVersion, Uint8Array>> = {
  1: Uint8Array.fromHex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"),
  2: Uint8Array.fromHex("0dede3def700a6db819381be6e269dcbf9bd2ed9"),
};
/** RFC 9001, section 5.1, and RFC 9369, section 3.3.2. */
const LABELS = { 1: "quic", 2: "quicv2" } as const satisfies Readonly<Record<QuicVersion, string>>;

const TAG_LENGTH = 16, SAMPLE_LENGTH = 16, IV_LENGTH = 12, KEY_LENGTH = 16, HASH_LENGTH = 32;
/** The offset of the sample from the packet number (RFC 9001, section 5.4.2). */
const SAMPLE_AT = 4;
const RESERVED_BITS = 0x0c;

/** Decrypts a client's Initial packets. */
export class InitialKeys {
  private readonly key: Uint8Array;
  private readonly iv: Uint8Array;
  private readonly headerKey: Uint8Array;

  /** @param destination the Destination Connection ID of the client's first Initial */
  constructor(readonly version: QuicVersion, readonly destination: Uint8Array) {
    const client = expand(hmac(SALTS[version], destination), "client in", HASH_LENGTH);
    this.key = expand(client, `${LABELS[version]} key`, KEY_LENGTH);
    this.iv = expand(client, `${LABELS[version]} iv`, IV_LENGTH);
    this.headerKey = expand(client, `${LABELS[version]} hp`, KEY_LENGTH);
  }

  /** Returns the frames of a packet; null: it was not made with these keys. */
  open(bytes: Uint8Array, { version, start, numberAt, end }: LongPacket): Uint8Array | null {
    if (version !== this.version || end - numberAt < SAMPLE_AT + SAMPLE_LENGTH) return null;
    const sample = bytes.subarray(numberAt + SAMPLE_AT, numberAt + SAMPLE_AT + SAMPLE_LENGTH);
    const mask = createCipheriv("aes-128-ecb", this.headerKey, null).setAutoPadding(false).update(sample);
    const first = bytes[start] ^ (mask[0] & 0x0f);
    const numberLength = 1 + (first & 3);
    const header = bytes.slice(start, numberAt + numberLength);
    header[0] = first;
    const nonce = this.iv.slice();
    for (let i = 0; i < numberLength; i++) {
      const byte = header[numberAt - start + i] ^= mask[1 + i];
      nonce[IV_LENGTH - numberLength + i] ^= byte;
    }
    const opener = createDecipheriv("aes-128-gcm", this.key, nonce);
    opener.setAAD(header);
    opener.setAuthTag(bytes.subarray(end - TAG_LENGTH, end));
    const frames = opener.update(bytes.subarray(numberAt + numberLength, end - TAG_LENGTH));
    try {
      opener.final();
    } catch {
      return null;
    }
    return (first & RESERVED_BITS) === 0 ? frames : null;
  }
}

/** HKDF-Expand-Label of TLS 1.3 (RFC 8446, section 7.1) without a context, for at most one hash. */
function expand(secret: Uint8Array, label: string, length: number): Uint8Array {
  const text = new TextEncoder().encode(`tls13 ${label}`);
  return hmac(secret, Uint8Array.of(0, length, text.length, ...text, 0, 1)).subarray(0, length);
}

function hmac(key: Uint8Array, data: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac("sha256", key).update(data).digest()); // a Buffer's slices share its memory
}
