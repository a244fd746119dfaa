/**
 * A QUIC client's Initial packets, sealed by other means than forward/gate/ opens them with.
 *
 * @module
 */
import { createCipheriv, createHmac, hkdfSync } from "node:crypto";
import { Buffer } from "node:buffer";

/** The versions. */
export const VERSIONS = {
  1: { wire: 0x0000_0001, salt: "38762cf7f55934b34d179ae6a4c80cadccbb7f0a", label: "quic", initial: 0 },
  2: { wire: 0x6b33_43cf, salt: "0dede3def700a6db819381be6e269dcbf9bd2ed9", label: "quicv2", initial: 1 },
} as const;

/** The Destination Connection ID of RFC 9001, appendix A. */
export const RFC_DESTINATION: Uint8Array = Uint8Array.fromHex("8394c8f03e515708");

/** An Initial packet. */
export interface InitialParts {
  readonly version?: 1 | 2;
  readonly destination?: Uint8Array;
  /** What the keys are made from; the destination unless given. */
  readonly keysFrom?: Uint8Array;
  readonly token?: Uint8Array;
  readonly number?: number;
  /** Its frames; PADDING is added up to `size` bytes of packet. */
  readonly frames: readonly number[];
  readonly size?: number;
}

/** A variable-length integer (RFC 9000, section 16) of 1, 2 or 4 bytes. */
export function varint(value: number): number[] {
  if (value < 0x40) return [value];
  if (value < 0x4000) return [0x40 | value >> 8, value & 0xff];
  return [0x80 | value >>> 24, value >> 16 & 0xff, value >> 8 & 0xff, value & 0xff];
}

/** A CRYPTO frame with a part of a message. */
export function cryptoFrame(message: Uint8Array, start = 0, end: number = message.length): number[] {
  return [6, ...varint(start), ...varint(end - start), ...message.subarray(start, end)];
}

/** The client's keys (RFC 9001, section 5). */
function secrets(version: 1 | 2, from: Uint8Array) {
  const { salt, label } = VERSIONS[version];
  const info = (name: string, length: number) => {
    const text = `tls13 ${name}`;
    return Buffer.from([0, length, text.length, ...Buffer.from(text), 0]);
  };
  // node's HKDF has both steps in one: extract with the salt, then expand
  const client = Buffer.from(hkdfSync("sha256", from, Buffer.from(salt, "hex"), info("client in", 32), 32));
  const expand = (name: string, length: number) =>
    createHmac("sha256", client).update(info(name, length)).update(Buffer.of(1)).digest().subarray(0, length);
  return { key: expand(`${label} key`, 16), iv: expand(`${label} iv`, 12), hp: expand(`${label} hp`, 16) };
}

/** A protected Initial packet. */
export function initial(parts: InitialParts): Uint8Array {
  const { version = 1, destination = RFC_DESTINATION, token = new Uint8Array(0), number = 2, size = 1200 } = parts;
  const { wire, initial } = VERSIONS[version];
  const { key, iv, hp } = secrets(version, parts.keysFrom ?? destination);
  const before = [
    0xc3 | initial << 4,
    ...[wire >>> 24, wire >> 16 & 0xff, wire >> 8 & 0xff, wire & 0xff],
    ...[destination.length, ...destination],
    0,
    ...[...varint(token.length), ...token],
  ];
  const payload = [...parts.frames];
  const fixed = before.length + 2 + 4 + 16;
  while (payload.length + fixed < size) payload.push(0);
  const length = 4 + payload.length + 16;
  const header = Buffer.from([
    ...before,
    ...[0x40 | length >> 8, length & 0xff],
    ...[number >>> 24, number >> 16 & 0xff, number >> 8 & 0xff, number & 0xff],
  ]);
  const nonce = Buffer.from(iv);
  for (let i = 0; i < 4; i++) nonce[8 + i] ^= header[header.length - 4 + i];
  const cipher = createCipheriv("aes-128-gcm", key, nonce);
  cipher.setAAD(header);
  const sealed = Buffer.concat([cipher.update(Buffer.from(payload)), cipher.final(), cipher.getAuthTag()]);
  const mask = createCipheriv("aes-128-ecb", hp, null).setAutoPadding(false).update(sealed.subarray(0, 16));
  header[0] ^= mask[0] & 0x0f;
  for (let i = 0; i < 4; i++) header[header.length - 4 + i] ^= mask[1 + i];
  return new Uint8Array(Buffer.concat([header, sealed]));
}
