/**
 * Suggests the word that a user may have meant.
 *
 * @module
 */

/**
 * Returns the nearest of some words to a mistyped one; null: none is near. A word is near if at most a third of the
 * letters differ, or if it is the only one that begins with what was typed.
 *
 * @example
 * ```ts
 * nearest("nets", ["netns", "mtu"]); // "netns"
 * ```
 */
export function nearest(word: string, words: Iterable<string>): string | null {
  let best: string | null = null, least = Infinity;
  const begun: string[] = [];
  for (const candidate of words) {
    if (word.length > 1 && candidate.startsWith(word)) begun.push(candidate);
    const allowed = Math.floor((Math.max(word.length, candidate.length) + 1) / 3);
    // a word on the command line may have any length: compare only those that can be near
    if (Math.abs(word.length - candidate.length) > allowed) continue;
    const different = distance(word.toLowerCase(), candidate.toLowerCase());
    if (different <= allowed && different < least) [best, least] = [candidate, different];
  }
  return best ?? (begun.length === 1 ? begun[0] : null);
}

/**
 * How many insertions, deletions, replacements and swaps of neighbouring letters turn one word into the other (the
 * optimal string alignment distance).
 */
function distance(a: string, b: string): number {
  let before: number[] = [], above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, before[j - 2] + 1);
      row.push(least);
    }
    [before, above] = [above, row];
  }
  return above[b.length];
}
