/**
 * The parts of a help page. text.ts prints pages as text; scripts/build/man.ts makes the manual page from them.
 *
 * Texts have two kinds of markup: `` `code` `` is typed or printed as it stands, and `_VALUE_` is a placeholder.
 *
 * @module
 */

/** A paragraph, lines that keep their breaks, or a list of terms. */
export type Block =
  | string
  | { readonly code: readonly string[] }
  | { readonly terms: readonly Term[] };

/** A term in the markup of texts, and the paragraphs about it. */
export type Term = readonly [term: string, ...paragraphs: readonly string[]];

/** Some blocks under a heading. */
export interface Section {
  /** In ordinary spelling; it is shown in capitals. */
  readonly title: string;
  readonly blocks: readonly Block[];
}

/** A page that `slirpnetstack help NAME` prints. */
export interface Page {
  readonly name: string;
  /** A few words, without a full stop. */
  readonly summary: string;
  /** Command lines; empty for a page that is not about a command. */
  readonly synopsis: readonly string[];
  readonly sections: readonly Section[];
}

/** A part of a text: plain, typed as it stands, or a placeholder. */
export interface Span {
  readonly style: "plain" | "literal" | "placeholder";
  readonly text: string;
}

/** Splits a text at its markup. */
export function spans(text: string): Span[] {
  const found: Span[] = [];
  let end = 0;
  const plain = (until: number) => {
    if (until > end) found.push({ style: "plain", text: text.slice(end, until) });
  };
  for (const match of text.matchAll(/`([^`]+)`|\b_([A-Z][A-Z0-9]*)_\b/g)) {
    plain(match.index);
    found.push(
      match[1] === undefined ? { style: "placeholder", text: match[2] } : { style: "literal", text: match[1] },
    );
    end = match.index + match[0].length;
  }
  plain(text.length);
  return found;
}
