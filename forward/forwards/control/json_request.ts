/**
 * Finds the end of a JSON value that comes in pieces, so that it can be answered before its client has closed: many don't.
 *
 * @module
 */

const OPEN = new Set("{["), CLOSE = new Set("}]");

/**
 * Returns the first value of a text if it is complete: an object or an array, to its last bracket. What follows is not
 * part of it. A text that begins with neither is complete when the client says so. Null: there is more to come.
 *
 * Brackets are only counted. If they don't match, the text is no JSON, which its parser will say.
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
