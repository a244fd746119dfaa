/**
 * What help is made of. The same pages are printed as text (text.ts), and made a manual page of (scripts/man).
 *
 * In texts, `` `code` `` is what is typed or printed as it stands, and `_VALUE_` a word to be replaced. There is no other
 * markup.
 *
 * @module
 */

/** A paragraph, lines that keep their breaks, or terms with what they mean. */
export type Block =
  | string
  | { readonly code: readonly string[] }
  | { readonly terms: readonly Term[] };

/** A term in the markup of texts, and the paragraphs about it. */
export type Term = readonly [term: string, ...paragraphs: readonly string[]];

/** Some blocks under a heading. */
export interface Section {
  /** As it stands in the middle of a line; headings are shown in capitals. */
  readonly title: string;
  readonly blocks: readonly Block[];
}

/** What `slirpnetstack help NAME` prints. */
export interface Page {
  readonly name: string;
  /** A few words, without a full stop. */
  readonly summary: string;
  /** Command lines; empty for a page that is not about a command. */
  readonly synopsis: readonly string[];
  readonly sections: readonly Section[];
}

/** A part of a text: as it is, to be typed, or to be replaced. */
export interface Span {
  readonly style: "plain" | "literal" | "placeholder";
  readonly text: string;
}

/** Takes a text's markup apart. */
export function spans(text: string): Span[] {
  const found: Span[] = [];
  let end = 0;
  const plain = (until: number) => {
    if (until > end) found.push({ style: "plain", text: text.slice(end, until) });
  };
  for (const match of text.matchAll(/`([^`]+)`|\b_([A-Z][A-Z0-9]*)_\b/g)) {
    plain(match.index);
    found.push(
      match[1] === undefined ? { style: "placeholder", text: match[2]! } : { style: "literal", text: match[1] },
    );
    end = match.index + match[0].length;
  }
  plain(text.length);
  return found;
}
