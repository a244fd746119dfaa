/**
 * Durations as Go's time.ParseDuration reads them: `5s`, `1h30m`, `-1.5h`, `100ms`, `0`.
 *
 * The arithmetic is Go's, on 64-bit nanoseconds, so that the same texts are accepted and refused.
 *
 * @module
 */
import { InvalidValue } from "./invalid_value.ts";

/** Nanoseconds in each unit (Go's time.unitMap; µ is there twice: U+00B5 and U+03BC). */
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["\u00b5s", 1_000n],
  ["\u03bcs", 1_000n],
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
]);

/** One more than the largest duration; the smallest is its negative. */
const LIMIT = 1n << 63n;

/** Digits with an optional fraction, and all up to the next digit or point as the unit. */
const TERM = /^([0-9]*)(?:\.([0-9]*))?([^0-9.]*)/;

/**
 * The duration in milliseconds (exact to the nanosecond below three months). Throws an {@linkcode InvalidValue} with
 * the text of Go's error.
 *
 * @example
 * ```ts
 * parseDuration("1m0.5s"); // 60500
 * ```
 */
export function parseDuration(text: string): number {
  const invalid = () => new InvalidValue(`time: invalid duration ${quoteBytes(text)}`);
  const negative = text.startsWith("-");
  let rest = /^[+-]/.test(text) ? text.slice(1) : text;
  if (rest === "0") return 0;
  if (rest === "") throw invalid();
  let total = 0n;
  while (rest !== "") {
    const term = TERM.exec(rest)!; // matches anything, if only with nothing
    const whole = term[1], fraction = term[2] ?? "", unit = term[3];
    if (whole === "" && fraction === "") throw invalid();
    if (BigInt(whole) > LIMIT) throw invalid();
    if (unit === "") throw new InvalidValue(`time: missing unit in duration ${quoteBytes(text)}`);
    const scale = UNITS.get(unit);
    if (scale === undefined) {
      throw new InvalidValue(`time: unknown unit ${quoteBytes(unit)} in duration ${quoteBytes(text)}`);
    }
    total += BigInt(whole) * scale + fractionOf(fraction, scale);
    if (total > LIMIT) throw invalid();
    rest = rest.slice(term[0].length);
  }
  if (!negative && total === LIMIT) throw invalid();
  const milliseconds = Number(total) / 1e6;
  return negative ? -milliseconds : milliseconds;
}

/** `0.DIGITS` of a unit in whole nanoseconds; digits beyond 63 bits are ignored, as in Go. */
function fractionOf(digits: string, unit: bigint): bigint {
  let value = 0n, scale = 1;
  for (const digit of digits) {
    const next = value * 10n + BigInt(digit);
    if (next > LIMIT) break;
    value = next;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(value) * (Number(unit) / scale)));
}

/** Go's time.quote: like strconv.Quote, but each byte beyond ASCII is escaped. */
function quoteBytes(text: string): string {
  let quoted = '"';
  for (const byte of new TextEncoder().encode(text)) {
    const character = String.fromCharCode(byte);
    if (byte < 0x20 || byte >= 0x80) quoted += `\\x${byte.toString(16).padStart(2, "0")}`;
    else quoted += character === '"' || character === "\\" ? `\\${character}` : character;
  }
  return quoted + '"';
}
