/**
 * Version 1 of the PROXY protocol (haproxy.org, doc/proxy-protocol.txt, section 2.1): a line of text before the data of a
 * connection, in which a proxy gives the address of its client.
 *
 *     PROXY TCP4 192.0.2.1 198.51.100.1 40000 443\r\n
 *     PROXY TCP6 2001:db8::1 2001:db8::2 40000 443\r\n
 *     PROXY UNKNOWN ...\r\n                              whatever follows is ignored
 *
 * The words are separated by one space each; numbers have no leading zeros. The line has at most 107 bytes with its end.
 *
 * In one point this is less strict than the specification: either of the two names may precede addresses of either
 * version, if both addresses have the same one. The Go program accepts that, and the meaning is clear.
 *
 * @module
 */
import { type Endpoint, IpAddress } from "../../../stack/base/address.ts";
import { unmap } from "../../addresses/mapped.ts";

/** The longest line, CR and LF included. */
export const MAX_PROXY_LINE = 107;

/** The result of {@linkcode parseProxyLine}. */
export type ProxyLine =
  /** It may be a header, but its end has not arrived yet. */
  | { readonly kind: "incomplete" }
  | { readonly kind: "invalid"; readonly reason: string }
  /** `length`: its bytes with the line's end. `source`, `destination`: null if the proxy does not know them. */
  | {
    readonly kind: "header";
    readonly length: number;
    readonly source: Endpoint | null;
    readonly destination: Endpoint | null;
  };

const CR = 13, LF = 10;
const PREFIX = "PROXY ";

/** Reads the line at the start of `bytes[0..length)`. */
export function parseProxyLine(bytes: Uint8Array, length: number): ProxyLine {
  for (let i = 0; i < Math.min(PREFIX.length, length); i++) {
    if (bytes[i] !== PREFIX.charCodeAt(i)) return invalid("no PROXY header");
  }
  const most = Math.min(length, MAX_PROXY_LINE);
  for (let i = PREFIX.length; i < most; i++) {
    if (bytes[i] === LF) return invalid("a PROXY header ends with CR and LF");
    if (bytes[i] !== CR) continue;
    if (i + 1 === MAX_PROXY_LINE) break;
    if (i + 1 === length) return { kind: "incomplete" };
    if (bytes[i + 1] !== LF) return invalid("a PROXY header ends with CR and LF");
    return parseWords(String.fromCharCode(...bytes.subarray(PREFIX.length, i)), i + 2);
  }
  return most < MAX_PROXY_LINE ? { kind: "incomplete" } : invalid(`a PROXY header has at most ${MAX_PROXY_LINE} bytes`);
}

function parseWords(text: string, length: number): ProxyLine {
  const words = text.split(" ");
  if (words[0] === "UNKNOWN") return { kind: "header", length, source: null, destination: null };
  if (words[0] !== "TCP4" && words[0] !== "TCP6") return invalid("a PROXY header for neither TCP4 nor TCP6");
  if (words.length !== 5) return invalid("a PROXY header needs two addresses and two ports");
  const source = parseEndpoint(words[1], words[3]), destination = parseEndpoint(words[2], words[4]);
  if (source === null || destination === null) return invalid("a PROXY header with a bad address or port");
  if (source.address.version !== destination.address.version) {
    return invalid("a PROXY header with addresses of two families");
  }
  return { kind: "header", length, source, destination };
}

function parseEndpoint(address: string, port: string): Endpoint | null {
  const parsed = IpAddress.tryParse(address);
  const number = /^(0|[1-9][0-9]{0,4})$/.test(port) ? Number(port) : Infinity;
  return parsed === null || number > 0xffff ? null : { address: unmap(parsed), port: number };
}

function invalid(reason: string): ProxyLine {
  return { kind: "invalid", reason };
}
