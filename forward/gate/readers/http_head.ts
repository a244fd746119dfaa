/**
 * Reads the head of an HTTP/1 request, strictly by RFC 9112, for its host and the length of its body.
 *
 * A lenient server may see two requests where a lenient reader sees one. So the reader is strict, and everything that a
 * server could read in another way is malformed:
 *
 * | found | answer |
 * | --- | --- |
 * | first line without `HTTP/` at its end, or bytes that no method has | none |
 * | `PRI * HTTP/2.0`, a version other than 1.0 and 1.1, CONNECT, an Upgrade other than `websocket` | unsupported |
 * | a line end without CR, or a CR without line end; a NUL or another control character | malformed |
 * | a line that begins with a space (obs-fold), a space before the colon, an empty line before the first | malformed |
 * | no Host, or two | no name; malformed |
 * | an absolute target whose host is not that of Host, or with user information | malformed |
 * | Content-Length twice, or beside Transfer-Encoding, or not a number | malformed |
 * | Transfer-Encoding other than `chunked`, or in HTTP/1.0 | malformed |
 *
 * Requests never have a body that ends with the connection (RFC 9112, section 6.3).
 *
 * @module
 */
import { shownName } from "../../policy/names/canonical.ts";
import { MALFORMED, more, NO_NAME, NONE, type Reading } from "./reading.ts";

/** The framing of a request's body. */
export type BodyFraming = { readonly by: "length"; readonly length: number } | { readonly by: "chunks" };

/** The contents of a request's head. */
export interface RequestHead {
  /** The name in Host, in the form of policy/names/canonical.ts. */
  readonly name: string;
  /** The length of the head in bytes, including the empty line at its end. */
  readonly length: number;
  readonly body: BodyFraming;
  /** Whether it asks for a WebSocket (RFC 6455). */
  readonly websocket: boolean;
}

/** The answer of {@linkcode readHead}. */
export type HeadReading =
  | Reading<RequestHead>
  /** It is HTTP of a kind that can't be judged request by request. */
  | { readonly is: "unsupported" };

const UNSUPPORTED: HeadReading = { is: "unsupported" };

const LF = 10, CR = 13, SPACE = 0x20, TAB = 9, COLON = 0x3a;

/** Reads the head at the beginning of `bytes[start..end)`. */
export function readHead(bytes: Uint8Array, start: number, end: number): HeadReading {
  const line = findLine(bytes, start, end);
  if (line === null) return firstLineIncomplete(bytes, start, end);
  const text = latin1(bytes, start, line.end);
  if (text === "" || /^\r/.test(text)) return MALFORMED; // servers skip empty lines (RFC 9112, section 2.2)
  if (!/HTTP\/[0-9]/i.test(text)) return NONE;
  const parts = /^([^ ]+) (.*) (HTTP\/.*)$/.exec(text);
  if (parts === null || !line.valid || tokenEnd(bytes, start, line.end) !== start + parts[1].length) return MALFORMED;
  const [, verb = "", target = "", version = ""] = parts;
  if (verb === "CONNECT" || !/^HTTP\/1\.[01]$/.test(version)) return UNSUPPORTED;
  if (!/^[\x21-\x7e]+$/.test(target)) return MALFORMED;
  const fields = readFields(bytes, line.next, end);
  if (fields === "malformed") return MALFORMED;
  if (fields === "more") return more(end - start + 1);
  return judge({ verb, target, version }, fields, fields.end - start);
}

/** Judges the first line and the fields of a complete, well formed head. */
function judge(
  { verb, target, version }: { readonly verb: string; readonly target: string; readonly version: string },
  fields: Fields,
  length: number,
): HeadReading {
  if (fields.hosts.length > 1) return MALFORMED;
  const [host] = fields.hosts;
  if (host === undefined || host === "") return NO_NAME;
  const name = hostName(host);
  if (name === null) return MALFORMED;
  if (!target.startsWith("/") && !(target === "*" && verb === "OPTIONS")) {
    const authority = /^http:\/\/([^/?#]+)(?:[/?].*)?$/i.exec(target)?.[1];
    if (authority === undefined || hostName(authority) !== name) return MALFORMED;
  }
  const body = framing(fields, version === "HTTP/1.0");
  if (body === null) return MALFORMED;
  const { upgrades } = fields;
  if (upgrades.length === 0) return { is: "shown", shown: { name, length, body, websocket: false } };
  const isWebsocket = upgrades.length === 1 && upgrades[0].toLowerCase() === "websocket" && verb === "GET" &&
    version === "HTTP/1.1" && body.by === "length" && body.length === 0;
  return isWebsocket ? { is: "shown", shown: { name, length, body, websocket: true } } : UNSUPPORTED;
}

/** The fields that matter, each value as often as it occurs. */
interface Fields {
  readonly hosts: string[];
  readonly lengths: string[];
  readonly encodings: string[];
  readonly upgrades: string[];
  /** The end of the head. */
  end: number;
}

/** Reads field lines up to the empty line. */
function readFields(bytes: Uint8Array, start: number, end: number): Fields | "more" | "malformed" {
  const fields: Fields = { hosts: [], lengths: [], encodings: [], upgrades: [], end: 0 };
  const wanted: Readonly<Record<string, string[]>> = {
    "host": fields.hosts,
    "content-length": fields.lengths,
    "transfer-encoding": fields.encodings,
    "upgrade": fields.upgrades,
  };
  for (let at = start;;) {
    const line = findLine(bytes, at, end);
    if (line === null) return "more";
    if (!line.valid) return "malformed";
    if (line.end === at) {
      fields.end = line.next;
      return fields;
    }
    const colon = tokenEnd(bytes, at, line.end);
    if (colon === at || bytes[colon] !== COLON) return "malformed"; // an obs-fold begins with a space
    const name = latin1(bytes, at, colon).toLowerCase();
    if (Object.hasOwn(wanted, name)) {
      wanted[name].push(latin1(bytes, colon + 1, line.end).replace(/^[ \t]+|[ \t]+$/g, ""));
    }
    at = line.next;
  }
}

/** Null: it is ambiguous. */
function framing({ lengths, encodings }: Fields, old: boolean): BodyFraming | null {
  if (encodings.length > 0) {
    const chunked = encodings.length === 1 && encodings[0].toLowerCase() === "chunked";
    return chunked && lengths.length === 0 && !old ? { by: "chunks" } : null;
  }
  if (lengths.length === 0) return { by: "length", length: 0 };
  const [text = ""] = lengths;
  return lengths.length === 1 && /^[0-9]{1,15}$/.test(text) ? { by: "length", length: Number(text) } : null;
}

/** The name in `NAME[:PORT]`; null: it has none. */
function hostName(authority: string): string | null {
  const name = /^([^:]+?)\.?(?::[0-9]{1,5})?$/.exec(authority)?.[1];
  return name === undefined ? null : shownName(name);
}

/** A line, and the beginning of the next one. */
interface Line {
  /** Without CR and LF. */
  readonly end: number;
  readonly next: number;
  /** Whether it ends with CR LF and has no control character but tabs. */
  readonly valid: boolean;
}

/** Null: it has no end yet. */
function findLine(bytes: Uint8Array, start: number, end: number): Line | null {
  let valid = true;
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte === LF) {
      const hasCr = at > start && bytes[at - 1] === CR;
      return { end: hasCr ? at - 1 : at, next: at + 1, valid: valid && hasCr };
    }
    if (byte === CR) {
      if (at + 1 < end && bytes[at + 1] !== LF) valid = false;
    } else if ((byte < SPACE && byte !== TAB) || byte === 0x7f) valid = false;
  }
  return null;
}

/**
 * Whether bytes without a line end can still become a request. They can if the whole line could be one for some server:
 * a sender must not gain a milder answer by sending the line in pieces. Servers skip white space before the method, and
 * take methods of any length.
 */
function firstLineIncomplete(bytes: Uint8Array, start: number, end: number): Reading<never> {
  const method = tokenEnd(bytes, start, end);
  return method === end || isWhiteSpace(bytes[method]) ? more(end - start + 1) : NONE;
}

/** The white space of RFC 9112, section 3: HTAB, LF, VT, FF, CR, SP. */
function isWhiteSpace(byte: number): boolean {
  return byte === SPACE || (byte >= TAB && byte <= CR);
}

/** The end of the token at `start` (RFC 9110, section 5.6.2). */
export function tokenEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && TOKEN[bytes[at]] === 1) at++;
  return at;
}

const TOKEN = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
  TOKEN[char.charCodeAt(0)] = 1;
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]);
  return text;
}
