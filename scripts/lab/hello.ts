/**
 * ClientHellos, built byte by byte.
 *
 * @module
 */

/** The parts of a ClientHello that tests change. */
export interface HelloParts {
  /** The host names in the server_name extension; null: there is no such extension. */
  readonly names?: readonly (string | Uint8Array)[] | null;
  readonly alpn?: readonly string[];
  /** Further extensions: type and contents. */
  readonly extensions?: readonly (readonly [number, Uint8Array])[];
  readonly sessionId?: number;
}

const text = new TextEncoder();

/** A 16-bit number. */
export function u16(value: number): number[] {
  return [value >> 8 & 0xff, value & 0xff];
}

/** Bytes behind their 16-bit length. */
export function vector16(bytes: readonly number[]): number[] {
  return [...u16(bytes.length), ...bytes];
}

/** An extension. */
export function extension(type: number, contents: readonly number[]): number[] {
  return [...u16(type), ...vector16(contents)];
}

/** The contents of a server_name extension. */
export function serverName(names: readonly (string | Uint8Array)[]): number[] {
  const list = names.flatMap((name) => [0, ...vector16([...(typeof name === "string" ? text.encode(name) : name)])]);
  return vector16(list);
}

/** A handshake message with a ClientHello. */
export function clientHello(parts: HelloParts = {}): Uint8Array {
  const { names = ["example.com"], alpn = ["h2", "http/1.1"], extensions = [], sessionId = 32 } = parts;
  const all = [
    ...(names === null ? [] : extension(0, serverName(names))),
    ...extension(10, vector16([...u16(29), ...u16(23)])), // supported_groups
    ...(alpn.length === 0 ? [] : extension(16, vector16(alpn.flatMap((one) => [one.length, ...text.encode(one)])))),
    ...extension(43, [2, 3, 4]), // supported_versions: TLS 1.3
    ...extensions.flatMap(([type, contents]) => extension(type, [...contents])),
  ];
  return message([
    ...[3, 3, ...new Array(32).fill(7)],
    ...[sessionId, ...new Array(sessionId).fill(9)],
    ...vector16([0x13, 0x01, 0x13, 0x02]),
    ...[1, 0],
    ...vector16(all),
  ]);
}

/** A handshake message of type ClientHello with that body. */
export function message(body: readonly number[]): Uint8Array {
  return Uint8Array.from([1, body.length >> 16, ...u16(body.length & 0xffff), ...body]);
}

/** A message in records of that many bytes each. */
export function records(message: Uint8Array, size: number = message.length): Uint8Array {
  const bytes: number[] = [];
  for (let at = 0; at < message.length; at += size) {
    bytes.push(22, 3, 1, ...vector16([...message.subarray(at, at + size)]));
  }
  return Uint8Array.from(bytes);
}
