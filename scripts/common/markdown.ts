/**
 * Markdown that tasks write: tables, and parts of a page between two comments that its readers don't see:
 *
 *     <!-- NAME: COMMAND -->
 *     ...
 *     <!-- end of NAME -->
 *
 * @module
 */

/** As in deno.json. */
const LINE_WIDTH = 120;

/** The text with the part between the marks replaced. Throws when the marks are missing. */
export function withPart(text: string, name: string, command: string, part: () => string): string {
  const begin = `<!-- ${name}: ${command} -->`, end = `<!-- end of ${name} -->`;
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`there is no ${begin} before an ${end}`);
  return `${text.slice(0, from)}${begin}\n\n${part()}\n\n${text.slice(to)}`;
}

/** A table in Markdown as `deno fmt` formats it: each column as wide as its widest cell. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, i) => Math.max(...all.map((row) => [...row[i]].length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => pad(cell, widths[i])).join(" | ")} |`;
  const rule = line(widths.map((width) => "-".repeat(width)));
  const [first, ...others] = all.map(line);
  return [first, rule, ...others].join("\n");
}

/** A paragraph, broken between words into lines of at most 120 characters as `deno fmt` breaks it. */
export function wrapped(paragraph: string): string {
  const lines: string[] = [];
  for (const word of paragraph.split(" ")) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && [...longer].length <= LINE_WIDTH) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.join("\n");
}

function pad(cell: string, width: number): string {
  return cell + " ".repeat(width - [...cell].length);
}
