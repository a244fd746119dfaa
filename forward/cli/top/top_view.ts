/**
 * What `slirpnetstack top` shows, and what its keys change. No input or output is here.
 *
 * @module
 */
import type { RatedRow } from "../../metrics/names/rates.ts";

/** What rows are sorted by. */
export type SortKey = "name" | "flows" | "out" | "in" | "bytes" | "refused";

/** What the user has chosen. */
export interface View {
  readonly sort: SortKey;
  readonly refusedOnly: boolean;
  /** The name of the chosen row; null: the first one. */
  readonly chosen: string | null;
  /** Whether the rule of the chosen row is shown. */
  readonly showsRule: boolean;
}

/** The view at the start. */
export const FIRST_VIEW: View = { sort: "bytes", refusedOnly: false, chosen: null, showsRule: false };

/** The keys, for the last line. */
export const KEYS_LINE = "sort: n f o i b r   d refused only   up/down choose   p its rule   q quit";

const SORT_KEYS: Readonly<Record<string, SortKey>> = {
  n: "name",
  f: "flows",
  o: "out",
  i: "in",
  b: "bytes",
  r: "refused",
};

/** A key as terminals send it. */
const UP = "\x1b[A", DOWN = "\x1b[B", INTERRUPT = "\x03", END = "\x04";

/** The view after a key; null: the end. */
export function pressed(view: View, key: string, rows: readonly RatedRow[]): View | null {
  if (key === "q" || key === INTERRUPT || key === END) return null;
  const sort = SORT_KEYS[key];
  if (sort !== undefined) return { ...view, sort };
  if (key === "d") return { ...view, refusedOnly: !view.refusedOnly };
  if (key === "p") return { ...view, showsRule: !view.showsRule };
  const step = key === UP || key === "k" ? -1 : key === DOWN || key === "j" ? 1 : 0;
  if (step === 0) return view;
  const list = sorted(rows, view), at = Math.max(0, list.findIndex(({ name }) => name === view.chosen));
  const next = list[Math.min(list.length - 1, Math.max(0, at + step))];
  return { ...view, chosen: next?.name ?? null };
}

const VALUES: Readonly<Record<Exclude<SortKey, "name">, (row: RatedRow) => number>> = {
  flows: (row) => row.flows,
  out: (row) => row.rateOut,
  in: (row) => row.rateIn,
  bytes: (row) => row.bytes_out + row.bytes_in,
  refused: (row) => row.refused,
};

/** The rows that are shown, in their order. */
export function sorted(rows: readonly RatedRow[], { sort, refusedOnly }: View): readonly RatedRow[] {
  const some = refusedOnly ? rows.filter(({ refused }) => refused > 0) : [...rows];
  const byName = (a: RatedRow, b: RatedRow) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
  if (sort === "name") return some.toSorted(byName);
  const value = VALUES[sort];
  return some.toSorted((a, b) => value(b) - value(a) || byName(a, b));
}

/** The size of the screen, and whether it has colours. */
export interface Screen {
  readonly columns: number;
  /** Infinity: no screen, all rows are shown. */
  readonly lines: number;
  readonly colours: boolean;
}

/** The columns behind the name have these widths, with a space before each. */
const WIDTHS = { flows: 6, out: 9, in: 9, bytes: 9, refused: 8 } as const;
const LEAST_NAME = 16;

/** The lines of the table. */
export function table(rows: readonly RatedRow[], view: View, screen: Screen): readonly string[] {
  const width = Math.max(LEAST_NAME, screen.columns - Object.values(WIDTHS).reduce((sum, one) => sum + one + 1, 0));
  const list = sorted(rows, view), room = screen.lines - 4;
  const chosen = Math.max(0, list.findIndex(({ name }) => name === view.chosen));
  const from = Number.isFinite(room) ? Math.max(0, Math.min(chosen - room + 1, list.length - room)) : 0;
  const head = cells(width, ["NAME", "FLOWS", "OUT/s", "IN/s", "BYTES", "REFUSED"]);
  const isInteractive = Number.isFinite(room);
  return [
    summary(rows),
    screen.colours ? `\x1b[1m${head}\x1b[22m` : head,
    ...list.slice(from, from + room).map((row, i) => {
      const line = cells(width, [
        row.name,
        String(row.flows),
        amount(row.rateOut),
        amount(row.rateIn),
        amount(row.bytes_out + row.bytes_in),
        String(row.refused),
      ]);
      const isChosen = isInteractive && from + i === chosen;
      if (!screen.colours) return isChosen ? `>${line.slice(1)}` : line;
      const coloured = row.refused > 0 ? `\x1b[31m${line}\x1b[39m` : line;
      return isChosen ? `\x1b[7m${coloured}\x1b[27m` : coloured;
    }),
    ...(view.showsRule && list[chosen] !== undefined ? [cut(ruleOf(list[chosen]), screen.columns)] : []),
  ];
}

/** The line about a row. */
export function ruleOf({ name, rule, reason, remedy }: RatedRow): string {
  if (remedy !== null) return `${name}: refused (${reason}). To allow it: -only ${remedy}`;
  if (reason !== null) return `${name}: refused (${reason})`;
  return rule === null ? `${name}: by address` : `${name}: by the rule ${rule}`;
}

function summary(rows: readonly RatedRow[]): string {
  const sum = (value: (row: RatedRow) => number) => rows.reduce((total, row) => total + value(row), 0);
  const rates = `${amount(sum((row) => row.rateOut))}/s out, ${amount(sum((row) => row.rateIn))}/s in`;
  return `${rows.length} names, ${sum((row) => row.flows)} flows, ${rates}, ${sum((row) => row.refused)} refused`;
}

function cells(width: number, [name = "", ...numbers]: readonly string[]): string {
  const widths = Object.values(WIDTHS);
  return cut(name, width).padEnd(width) + numbers.map((text, i) => ` ${text.padStart(widths[i] ?? 0)}`).join("");
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}~`;
}

/** Bytes for people: `12.3 kB`. */
export function amount(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes, unit = 0;
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1_000;
  return `${unit === 0 ? Math.round(value) : Number(value.toPrecision(3))} ${units[unit]}`;
}
