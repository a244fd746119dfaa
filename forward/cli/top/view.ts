/**
 * What `top` shows in a terminal, and what its keys do. It knows neither the terminal nor the server.
 *
 * @module
 */
import type { NamesDocument } from "../../metrics/names/document.ts";
import { type Order, type Row, rowsOf, sorted } from "./rows.ts";
import { bytesText, headingLine, rowLine, ruleText } from "./table.ts";

/** The size of the terminal in columns and lines, and whether it may have colours. */
export interface Screen {
  readonly width: number;
  readonly height: number;
  readonly coloured: boolean;
}

/** The keys that sort. */
const ORDERS: Readonly<Record<string, Order>> = {
  n: "name",
  o: "open",
  f: "flows",
  s: "rate",
  b: "bytes",
  x: "refused",
};

/** The line that explains the keys. */
const KEYS = "sort: n o f s b x   d: refused only   up, down, p: print its rule   q: quit";

/** Lines that are not rows: the totals, the headings, two for a rule or a problem, and the keys. */
const OTHER_LINES = 5;

/** ECMA-48, SGR. */
const BOLD = "1", RED = "31";

/** The state of the screen. */
export class View {
  private document: NamesDocument | null = null;
  private rows: readonly Row[] = [];
  private order: Order = "rate";
  private refusedOnly = false;
  /** The name of the selected row; null: the first. */
  private selected: string | null = null;
  /** The first row that is shown. */
  private first = 0;
  private message = "";
  private problem: string | null = null;
  /** The rules that were asked for, in order. */
  readonly rules: string[] = [];

  /** @param title the address */
  constructor(private readonly title: string) {}

  /** A new document has come. */
  update(document: NamesDocument): void {
    this.rows = rowsOf(document, this.document);
    this.document = document;
    this.problem = null;
  }

  /** No document has come. The last one stays. */
  failed(reason: string): void {
    this.problem = reason;
  }

  /** Handles a key: a character, or an escape sequence. Returns whether it ends the program. */
  press(key: string): boolean {
    const order = ORDERS[key];
    this.message = "";
    if (order !== undefined) this.order = order;
    else if (key === "d") this.refusedOnly = !this.refusedOnly;
    else if (key === "j" || key === "\x1b[B" || key === "\x1bOB") this.move(1);
    else if (key === "k" || key === "\x1b[A" || key === "\x1bOA") this.move(-1);
    else if (key === "\x1b[6~") this.move(PAGE);
    else if (key === "\x1b[5~") this.move(-PAGE);
    else if (key === "\r" || key === "\n" || key === "p") this.askRule();
    else return key === "q" || key === "\x03" || key === "\x04";
    return false;
  }

  /** The lines of the screen, as many as it has. */
  lines(screen: Screen): string[] {
    const { width, height, coloured } = screen;
    const rows = this.shown, room = Math.max(1, height - OTHER_LINES), at = this.selectedIndex(rows);
    this.first = Math.max(0, Math.min(this.first, at, rows.length - room), at - room + 1);
    const style = (text: string, sgr: string) => coloured ? `\x1b[${sgr}m${text}\x1b[0m` : text;
    const cut = (text: string) => text.slice(0, width);
    const body = rows.slice(this.first, this.first + room).map((row, index) => {
      const isSelected = this.first + index === at;
      const line = cut(`${isSelected ? ">" : " "}${rowLine(row, width - 1)}`);
      const styles = [...isSelected ? [BOLD] : [], ...row.refusals > 0 ? [RED] : []];
      return styles.length === 0 ? line : style(line, styles.join(";"));
    });
    if (rows.length === 0) body.push(cut(this.refusedOnly ? " nothing was refused" : " no flows yet"));
    while (body.length < room) body.push("");
    const { problem } = this;
    return [
      cut(this.totals()),
      style(cut(` ${headingLine(width - 1, this.order)}`), BOLD),
      ...body,
      ...halves(problem ?? this.message, width).map((text) => problem === null ? text : style(text, RED)),
      cut(KEYS),
    ];
  }

  private get shown(): readonly Row[] {
    const rows = this.refusedOnly ? this.rows.filter(({ refusals }) => refusals > 0) : this.rows;
    return sorted(rows, this.order);
  }

  private selectedIndex(rows: readonly Row[]): number {
    return Math.max(0, rows.findIndex(({ name }) => name === this.selected));
  }

  private move(by: number): void {
    const rows = this.shown;
    if (rows.length === 0) return;
    const at = Math.min(Math.max(this.selectedIndex(rows) + by, 0), rows.length - 1);
    this.selected = rows[at].name;
  }

  /** Shows the rule for the selected row, and keeps it for the end. */
  private askRule(): void {
    const rows = this.shown, row = rows[this.selectedIndex(rows)];
    if (row === undefined) return;
    this.selected = row.name;
    this.message = ruleText(row);
    if (!this.rules.includes(this.message)) this.rules.push(this.message);
  }

  private totals(): string {
    const { rows } = this;
    const sum = (value: (row: Row) => number) => rows.reduce((total, row) => total + value(row), 0);
    const rates = `${bytesText(sum((row) => row.rateOut ?? 0))}/s out, ${
      bytesText(sum((row) => row.rateIn ?? 0))
    }/s in`;
    const counts = `${sum(({ open }) => open)} open, ${sum(({ refusals }) => refusals)} refused`;
    return `${rates}, ${counts}  ${this.title}`;
  }
}

/** A text in two lines, broken at a space if there is one. What does not fit is cut off. */
function halves(text: string, width: number): readonly [string, string] {
  if (text.length <= width) return [text, ""];
  const space = text.lastIndexOf(" ", width), end = space > 0 ? space : width;
  return [text.slice(0, end), text.slice(end).trimStart().slice(0, width)];
}

/** Rows that "page up" and "page down" move by. */
const PAGE = 10;

/** The whole table, for a file or a pipe: headings, and a line for each row. Ends with a newline. */
export function wholeTable(document: NamesDocument, before: NamesDocument | null, width: number): string {
  const order = "rate", rows = sorted(rowsOf(document, before), order);
  return [headingLine(width, order), ...rows.map((row) => rowLine(row, width))].map((line) => `${line}\n`).join("");
}
