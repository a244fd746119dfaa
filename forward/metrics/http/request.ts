/**
 * The head of an HTTP/1.x request (RFC 9112), as far as a server needs it that has three documents and takes none.
 *
 * @module
 */

import { IpAddress } from "../../../stack/base/address.ts";

/** Heads that are longer are refused: Prometheus sends some 250 bytes. */
export const MAX_HEAD = 8192;

/** What was asked for. */
export interface HttpRequest {
  readonly method: string;
  /** The path of the request's target, without its query. */
  readonly path: string;
  /** The host that was asked, with its port if there is one: `Host`, or the target's authority; null: neither. */
  readonly host: string | null;
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
  const [, authority, path] = /^(?:https?:\/\/([^/?#]*))?([^?#]*)/i.exec(target) ?? [];
  const hosts = Array.from(head.matchAll(/\nhost:[ \t]*([^\r\n]*?)[ \t]*\r?(?=\n)/gi), ([, host = ""]) => host);
  if (hosts.length > 1) return null; // RFC 9112, section 3.2
  return { method, path: path || "/", host: authority ?? hosts[0] ?? null };
}

/**
 * Whether a request's host can't be a name that a stranger gave to this address: a page in a browser may ask what its
 * own name leads to, and its name server may say that this is us (DNS rebinding). An address and `localhost`
 * (RFC 6761, section 6.3) are what they are; and what sends no host is no browser.
 */
export function isOwnHost(host: string | null): boolean {
  if (host === null) return true;
  const name = host.replace(/:\d*$/, "");
  if (/^(?:.*\.)?localhost\.?$/i.test(name)) return true;
  return IpAddress.tryParse(/^\[(.*)\]$/.exec(name)?.[1] ?? name) !== null;
}
