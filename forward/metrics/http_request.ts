/**
 * The head of an HTTP/1.x request (RFC 9112), as far as a server needs it that has three documents and takes none.
 *
 * @module
 */

/** Heads that are longer are refused: Prometheus sends some 250 bytes. */
export const MAX_HEAD = 8192;

/** What was asked for. */
export interface HttpRequest {
  readonly method: string;
  /** The path of the request's target, without its query. */
  readonly path: string;
}

/** The length of the head in `bytes[0..length)` with the empty line behind it; -1: it is not complete. */
export function headLength(bytes: Uint8Array, length: number): number {
  // a line may end with LF alone (RFC 9112, section 2.2)
  for (let i = 1; i < length; i++) {
    if (bytes[i] !== 0x0a) continue;
    if (bytes[i - 1] === 0x0a || (bytes[i - 1] === 0x0d && bytes[i - 2] === 0x0a)) return i + 1;
  }
  return -1;
}

/** Reads the first line of a head; null: it is none of HTTP/1.x. */
export function parseRequest(head: string): HttpRequest | null {
  const [, method, target] = /^([A-Za-z]+) (\S+) HTTP\/1\.\d\r?\n/.exec(head) ?? [];
  if (method === undefined || target === undefined) return null;
  // "absolute form" is for proxies, but every server must take it (RFC 9112, section 3.2.2)
  const path = /^(?:https?:\/\/[^/?#]*)?([^?#]*)/i.exec(target)?.[1] ?? "";
  return { method, path: path === "" ? "/" : path };
}
