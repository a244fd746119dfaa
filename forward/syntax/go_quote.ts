/**
 * Quotes text as Go's `%q` does, for messages that scripts parse.
 *
 * @module
 */

/** Go's names for the characters that have one (strconv.Quote). */
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\x07", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
]);

/** The characters that Go's strconv.IsPrint accepts: letters, marks, numbers, punctuation, symbols, the ASCII space. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/**
 * The text in double quotes, with all unprintable characters escaped, like Go's strconv.Quote.
 *
 * @example
 * ```ts
 * quote('say "hi"\n'); // "\"say \\\"hi\\\"\\n\""
 * ```
 */
export function quote(text: string): string {
  let quoted = '"';
  for (const character of text) quoted += ESCAPES.get(character) ?? escape(character);
  return quoted + '"';
}

function escape(character: string): string {
  if (PRINTABLE.test(character)) return character;
  const code = character.codePointAt(0)!;
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
  if (code >= 0xd800 && code < 0xe000) return "\\ufffd"; // half a surrogate pair is no character
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}
