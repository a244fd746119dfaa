/**
 * Addresses and ports in one word, in ssh's style: parts between colons. Colons in brackets, as of an IPv6 address or of a
 * server's address inside a target, do not separate parts.
 *
 * @module
 */
import { quote } from "./go_quote.ts";
import { InvalidValue } from "./invalid_value.ts";

/**
 * Splits at the colons outside of brackets. The outermost brackets are removed, inner ones stay. Throws an
 * {@linkcode InvalidValue} where brackets don't match.
 *
 * @example
 * ```ts
 * splitParts("[::1]:80"); // ["::1", "80"]
 * splitParts(":2222:[name@srv-[::1]:8600]:0"); // ["", "2222", "name@srv-[::1]:8600", "0"]
 * ```
 */
export function splitParts(text: string): string[] {
  const parts: string[] = [];
  let part = "", depth = 0;
  for (const character of text) {
    if (character === ":" && depth === 0) {
      parts.push(part);
      part = "";
      continue;
    }
    if (character === "]" && --depth < 0) throw new InvalidValue(`unexpected ']' in ${quote(text)}`);
    const outermost = (character === "[" || character === "]") && depth === 0;
    if (character === "[") depth++;
    if (!outermost) part += character;
  }
  if (depth > 0) throw new InvalidValue(`missing ']' in ${quote(text)}`);
  parts.push(part);
  return parts;
}

/** Splits `NETWORK://REST`. The default network is `tcp`. */
export function splitNetwork(text: string): { network: string; rest: string } {
  const end = text.indexOf("://");
  return end < 0 ? { network: "tcp", rest: text } : { network: text.slice(0, end), rest: text.slice(end + 3) };
}
