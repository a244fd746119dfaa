/**
 * The head of an HTTP/1.x request (RFC 9112), as far as a server of a few documents needs it.
 *
 * @module
 */

import { IpAddress } from "../../stack/base/address.ts";

/** Longer heads are refused. Prometheus sends some 250 bytes. */
export const MAX_HEAD = 8192;

/** A request: its method, path and host. */
export interface HttpRequest {
  readonly method: string;
  /** The path of the request's target, without its query. */
  readonly path: string;
  /** The host that the request names, with its port if any: `Host`, or the target's authority; null: neither. */
  readonly host: string | null;
}

/** The length of the head in `bytes[0..length)`, including the empty line that ends it; -1: it is not complete. */
export function headLength(bytes: Uint8Array, length: number): number {
  // a line may end with LF alone (RFC 9112, section 2.2)
  for (let i = 1; i < length; i++) {
    if (bytes[i] !== 0x0a) continue;
    if (bytes[i - 1] === 0x0a || (bytes[i - 1] === 0x0d && bytes[i - 2] === 0x0a)) return i + 1;
  }
  return -1;
}

/** Parses a head; null: it is not HTTP/1.x. */
export function parseRequest(head: string): HttpRequest | null {
  const [, method, target] = /^([A-Za-z]+) (\S+) HTTP\/1\.\d\r?\n/.exec(head) ?? [];
  if (method === undefined || target === undefined) return null;
  // "absolute form" is for proxies, but every server must take it (RFC 9112, section 3.2.2)
  const [, authority, path] = /^(?:https?:\/\/([^/?#]*))?([^?#]*)/i.exec(target) ?? [];
  const hosts = headerValues(head, "host");
  if (hosts.length > 1) return null; // RFC 9112, section 3.2
  return { method, path: path || "/", host: authority ?? hosts[0] ?? null };
}

/** The body that a head announces. */
export type BodyAnnounced =
  /** `waits`: the client sends it once it is asked to (RFC 9110, section 10.1.1). */
  | { readonly kind: "body"; readonly length: number; readonly waits: boolean }
  /** Its length is not said: it comes in chunks. */
  | { readonly kind: "chunks" }
  /** The head contradicts itself (RFC 9112, section 6.3). */
  | { readonly kind: "invalid" };

/** Says which body follows a head. */
export function bodyAnnounced(head: string): BodyAnnounced {
  if (headerValues(head, "transfer-encoding").length > 0) return { kind: "chunks" };
  const lengths = new Set(headerValues(head, "content-length"));
  const [length = "0"] = lengths;
  if (lengths.size > 1 || !/^\d{1,15}$/.test(length)) return { kind: "invalid" };
  const waits = headerValues(head, "expect").some((value) => value.toLowerCase() === "100-continue");
  return { kind: "body", length: Number(length), waits };
}

/** The values of a header, in their order. */
function headerValues(head: string, name: string): string[] {
  const lines = head.matchAll(new RegExp(`\\n${name}:[ \\t]*([^\\r\\n]*?)[ \\t]*\\r?(?=\\n)`, "gi"));
  return Array.from(lines, ([, value = ""]) => value);
}

/**
 * Whether a request's host is this server's own, not a name that a stranger points at its address. A web page may send
 * requests to its own name, and its name server may answer with this server's address (DNS rebinding). A stranger cannot
 * redirect an address or `localhost` (RFC 6761, section 6.3), and a client that sends no host is not a browser.
 */
export function isOwnHost(host: string | null): boolean {
  if (host === null) return true;
  const name = host.replace(/:\d*$/, "");
  if (/^(?:.*\.)?localhost\.?$/i.test(name)) return true;
  return IpAddress.tryParse(/^\[(.*)\]$/.exec(name)?.[1] ?? name) !== null;
}
