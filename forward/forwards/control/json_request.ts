/**
 * Finds the end of a JSON value that comes in pieces. A request can then be answered before its client half-closes, which
 * many clients never do.
 *
 * @module
 */

const OPEN = new Set("{["), CLOSE = new Set("}]");

/**
 * Returns the object or array at the beginning of a text, to its last bracket. Null if it is not complete, or if the text
 * begins with another value, whose end only the client's FIN shows.
 *
 * Brackets are only counted. If they don't match, the text is not JSON, and its parser reports that.
 */
export function completeValue(text: string): string | null {
  const start = text.search(/\S/);
  if (start < 0 || !OPEN.has(text[start]!)) return null;
  let depth = 0, inString = false;
  for (let i = start; i < text.length; i++) {
    const character = text[i]!;
    if (inString) {
      if (character === "\\") i++;
      else if (character === '"') inString = false;
      continue;
    }
    if (character === '"') inString = true;
    else if (OPEN.has(character)) depth++;
    else if (CLOSE.has(character) && --depth === 0) return text.slice(start, i + 1);
  }
  return null;
}
