/**
 * The rows of `top`: the lines of a document, with rates from the document before, in an order.
 *
 * @module
 */
import type { NameLine, NamesDocument } from "../../metrics/names/document.ts";

/** A line, and its rates. */
export interface Row extends NameLine {
  /** Bytes a second from the guest and to it, since the document before; null: there is none. */
  readonly rateOut: number | null;
  readonly rateIn: number | null;
}

/** What rows are sorted by. */
export type Order = "name" | "open" | "flows" | "rate" | "bytes" | "refused";

/** Returns the rows in the order of the document; the line "other" is the last, if it counts something. */
export function rowsOf(document: NamesDocument, before: NamesDocument | null): readonly Row[] {
  const { names, other, seconds } = document;
  const lines = other.flows + other.refusals > 0 ? [...names, other] : names;
  // the clock is the program's: one that has gone back is that of another run
  const passed = before === null ? 0 : seconds - before.seconds;
  if (before === null || passed <= 0) return lines.map((line) => ({ ...line, rateOut: null, rateIn: null }));
  const earlier = new Map([...before.names, before.other].map((line) => [line.name, line]));
  return lines.map((line) => {
    const last = earlier.get(line.name);
    const rate = (now: number, then = 0) => Math.max(0, now - then) / passed;
    return { ...line, rateOut: rate(line.bytes_out, last?.bytes_out), rateIn: rate(line.bytes_in, last?.bytes_in) };
  });
}

/** Returns the rows sorted: numbers from the largest, and names by the alphabet. */
export function sorted(rows: readonly Row[], order: Order): readonly Row[] {
  const values = order === "name" ? [] : [VALUES[order], VALUES.bytes, VALUES.refused];
  return rows.toSorted((a, b) => {
    if (rank(a) !== rank(b)) return rank(a) - rank(b);
    for (const value of values) if (value(a) !== value(b)) return value(b) - value(a);
    return a.name < b.name ? -1 : 1;
  });
}

/** The line "other" is no name. */
function rank({ kind }: Row): number {
  return kind === "other" ? 1 : 0;
}

const VALUES: Readonly<Record<Exclude<Order, "name">, (row: Row) => number>> = {
  open: ({ open }) => open,
  flows: ({ flows }) => flows,
  rate: ({ rateOut, rateIn }) => (rateOut ?? 0) + (rateIn ?? 0),
  bytes: ({ bytes_out, bytes_in }) => bytes_out + bytes_in,
  refused: ({ refusals }) => refusals,
};
