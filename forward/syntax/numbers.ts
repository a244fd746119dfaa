/**
 * Parses numbers as Go does: ports like strconv.ParseUint, the values of number flags as Go's integer literals.
 *
 * @module
 */
import { quote } from "./go_quote.ts";
import { InvalidValue } from "./invalid_value.ts";

/**
 * A port, 0 to 65535, in decimal digits (Go: `strconv.ParseUint(text, 10, 16)`). Throws an {@linkcode InvalidValue}
 * in Go's words.
 */
export function parsePort(text: string): number {
  const digits = /^[0-9]*/.exec(text)![0], port = Number(digits);
  // Go reads from the left, and stops at a number that is too large before it looks at the rest.
  const wrong = port > 0xffff ? "value out of range" : digits === "" || digits !== text ? "invalid syntax" : null;
  if (wrong !== null) throw new InvalidValue(`strconv.ParseUint: parsing ${quote(text)}: ${wrong}`);
  return port;
}

/** An integer literal of Go without its sign; underscores stand between digits or after the base. */
const LITERAL = /^(0[xX](_?[0-9a-fA-F])+|0[bB](_?[01])+|0[oO](_?[0-7])+|0(_?[0-7])*|[1-9](_?[0-9])*)$/;

/**
 * The value of a number flag: decimal, or with the prefix 0x, 0b, 0o or 0 in that base; a sign only where `minimum` is
 * negative. Throws an {@linkcode InvalidValue} "parse error" or "value out of range", as Go's flag package does.
 *
 * @param maximum at most Number.MAX_SAFE_INTEGER
 */
export function parseInteger(text: string, minimum: number, maximum: number): number {
  const sign = minimum < 0 && /^[+-]/.test(text) ? text[0] : "";
  const literal = text.slice(sign.length);
  if (!LITERAL.test(literal)) throw new InvalidValue("parse error");
  const digits = literal.replaceAll("_", "");
  const magnitude = Number(/^0[0-9]/.test(digits) ? `0o${digits}` : digits);
  const value = sign === "-" ? -magnitude : magnitude;
  if (value < minimum || value > maximum) throw new InvalidValue("value out of range");
  return value;
}
