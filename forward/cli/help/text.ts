/**
 * Formats help pages as text for a terminal, in the style of manual pages.
 *
 * @module
 */
import { PROGRAM } from "../flags/usage.ts";
import { type Block, type Page, type Section, spans, type Term } from "./page.ts";

/** The width and look of the text. */
export interface TextStyle {
  /** Columns. */
  readonly width: number;
  /** Whether headings and literal text are bold, and placeholders underlined. */
  readonly styled: boolean;
}

/** The widest that is easy to read, the width where there is no terminal, and the narrowest that works. */
const MAX_WIDTH = 100, DEFAULT_WIDTH = 80, MIN_WIDTH = 40;

/** The style for a stream: the width of its terminal, styled unless NO_COLOR is set (no-color.org); plain for a file. */
export function terminalStyle(stream: { isTerminal(): boolean }): TextStyle {
  if (!stream.isTerminal()) return { width: DEFAULT_WIDTH, styled: false };
  const { columns } = Deno.consoleSize();
  const width = columns === 0 ? DEFAULT_WIDTH : Math.min(Math.max(columns, MIN_WIDTH), MAX_WIDTH);
  return { width, styled: !Deno.noColor };
}

/** Columns before paragraphs, and before the paragraphs about a term. */
const INDENT = 4, DEEPER = 10;

/** ECMA-48, SGR: on and off. */
const BOLD = ["\x1b[1m", "\x1b[22m"] as const, UNDERLINE = ["\x1b[4m", "\x1b[24m"] as const;

/** The page as text. Ends with a newline. */
export function pageText({ name, summary, synopsis, sections }: Page, style: TextStyle): string {
  const title = name === "" ? PROGRAM : `${PROGRAM} ${name}`;
  const all: Section[] = [
    { title: "Name", blocks: [`${title} - ${summary}`] },
    ...synopsis.length === 0 ? [] : [{ title: "Synopsis", blocks: synopsis }],
    ...sections,
  ];
  return all.map((section) => sectionText(section, style)).join("\n");
}

/** A term and its paragraphs as text; a short term shares the first line. Ends with a newline. */
export function termText([term, ...paragraphs]: Term, style: TextStyle): string {
  const text = paragraphs.map((paragraph) => wrap(paragraph, DEEPER, style)).join("\n");
  if (!isShort(term)) return wrap(term, INDENT, style) + text;
  const [{ shown, columns }] = words(term, style);
  return " ".repeat(INDENT) + shown + text.slice(INDENT + columns);
}

/** Whether the term fits in the columns before its paragraphs. */
function isShort(term: string): boolean {
  const columns = spans(term).reduce((sum, { text }) => sum + text.length, 0);
  return columns < DEEPER - INDENT && !term.includes(" ");
}

function sectionText({ title, blocks }: Section, style: TextStyle): string {
  const heading = mark(title.toUpperCase(), BOLD, style);
  const separator = title === "Synopsis" ? "" : "\n";
  return `${heading}\n${blocks.map((block) => blockText(block, style)).join(separator)}`;
}

function blockText(block: Block, style: TextStyle): string {
  if (typeof block === "string") return wrap(block, INDENT, style);
  if ("code" in block) return block.code.map((line) => `${" ".repeat(2 * INDENT)}${line}\n`).join("");
  const close = block.terms.every(([term, ...paragraphs]) => isShort(term) && paragraphs.length === 1);
  return block.terms.map((term) => termText(term, style)).join(close ? "" : "\n");
}

/** Breaks a paragraph at its spaces. A word longer than a line gets a line of its own. */
function wrap(text: string, indent: number, style: TextStyle): string {
  const lines: string[] = [];
  let line = "", columns = 0;
  for (const { shown, columns: wide } of words(text, style)) {
    if (columns > 0 && indent + columns + 1 + wide > style.width) {
      lines.push(line);
      [line, columns] = ["", 0];
    }
    line += columns === 0 ? shown : ` ${shown}`;
    columns += columns === 0 ? wide : 1 + wide;
  }
  lines.push(line);
  return lines.map((line) => `${" ".repeat(indent)}${line}\n`).join("");
}

interface Word {
  shown: string;
  columns: number;
}

/** Splits a text into words as they are shown, each with its width in columns. A word may have several styles. */
function words(text: string, style: TextStyle): [Word, ...Word[]] {
  const found: [Word, ...Word[]] = [{ shown: "", columns: 0 }];
  for (const span of spans(text)) {
    for (const [i, word] of span.text.split(" ").entries()) {
      if (i > 0) found.push({ shown: "", columns: 0 });
      const last = found.at(-1)!;
      last.columns += [...word].length;
      if (span.style === "plain" || word === "") last.shown += word;
      else last.shown += mark(word, span.style === "literal" ? BOLD : UNDERLINE, style);
    }
  }
  return found;
}

function mark(text: string, [on, off]: readonly [string, string], { styled }: TextStyle): string {
  return styled ? on + text + off : text;
}
