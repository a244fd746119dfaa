/**
 * The one form in which names are compared: A-labels in lower case with dots between, without a dot at the end.
 *
 * | source | what is accepted |
 * | --- | --- |
 * | a person: a rule | U-labels too (IDNA, UTS #46), and a dot at the end |
 * | a guest: SNI, Host | that form in any case, and nothing else |
 * | a DNS message | labels of letters, digits, hyphens and underscores |
 *
 * A label on the wire may hold any byte, even a dot. So labels are checked before they are joined: the one label
 * `www.example` can't pass for two. A name whose last label is a number is not accepted, because some programs read it as
 * an address.
 *
 * @module
 */
import { quote } from "../../syntax/go_quote.ts";
import { InvalidValue } from "../../syntax/invalid_value.ts";

/** RFC 1035, section 2.3.4: a name has 255 bytes with the length bytes of its labels and the root's. */
const MAX_TEXT = 253;

/** Letters, digits and hyphens (RFC 952), and the underscore of service names and of some hosts. */
const CANONICAL = /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/;

/** A last label that is a number in one of the notations of C's inet_aton. */
const NUMERIC_END = /(^|\.)([0-9]+|0x[0-9a-f]*)$/;

/** Characters that a person must not write in a name: the ASCII characters that names don't have. */
const FORBIDDEN = /[\p{Cc}\p{Z} !-,/:-@[-^`{-~]/u;

/** The dots of UTS #46. */
const DOTS = /[\u3002\uff0e\uff61]/g;

/** Returns the canonical form of a name that a person has written. Throws an {@linkcode InvalidValue}. */
export function canonicalName(text: string): string {
  const name = toAscii(text.replaceAll(DOTS, ".").replace(/\.$/, ""));
  if (name === null || !isCanonical(name)) throw new InvalidValue(`${quote(text)} is not a name`);
  return name;
}

/** Returns the canonical form of a name that a guest has shown; null: it is not a name. */
export function shownName(text: string): string | null {
  const name = text.toLowerCase();
  return isCanonical(name) ? name : null;
}

/**
 * Returns the canonical form of the uncompressed labels at `offset` of a DNS message, which must be complete; null: a
 * label has other characters, or the name is the root.
 */
export function wireName(bytes: Uint8Array, offset: number): string | null {
  let name = "";
  for (let at = offset; bytes[at] > 0; at += 1 + bytes[at]) {
    if (at > offset) name += ".";
    const end = at + 1 + bytes[at];
    for (let i = at + 1; i < end; i++) {
      const byte = lowerCase(bytes[i]);
      if (!isLabelByte(byte)) return null;
      name += String.fromCharCode(byte);
    }
  }
  return name === "" || name.length > MAX_TEXT ? null : name;
}

/** The labels of a canonical name, each after its length, and the root's (RFC 1035, section 3.1). */
export function wireLabels(name: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(name.length + 2);
  let at = 0;
  for (const label of name.split(".")) {
    bytes[at++] = label.length;
    for (let i = 0; i < label.length; i++) bytes[at++] = label.charCodeAt(i);
  }
  return bytes;
}

function isCanonical(name: string): boolean {
  return name.length <= MAX_TEXT && CANONICAL.test(name) && !NUMERIC_END.test(name);
}

/** Null: there is no such form. */
function toAscii(name: string): string | null {
  if (FORBIDDEN.test(name)) return null;
  // deno-lint-ignore no-control-regex
  if (/^[\x00-\x7f]*$/.test(name)) return name.toLowerCase();
  return URL.parse(`http://${name}/`)?.hostname ?? null; // the host of a URL is turned by UTS #46
}

function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}

function isLabelByte(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x5f;
}
