/**
 * Rows as lines of text.
 *
 * @module
 */
import { REASON_TEXTS } from "../../audit/schema.ts";
import type { Order, Row } from "./rows.ts";

/** The columns beside the name: heading, width, the order that sorts by it, and the text of a row. */
const COLUMNS: readonly (readonly [heading: string, width: number, order: Order, text: (row: Row) => string])[] = [
  ["OPEN", 6, "open", ({ open }) => countText(open)],
  ["FLOWS", 7, "flows", ({ flows }) => countText(flows)],
  ["OUT/S", 7, "rate", ({ rateOut }) => rateText(rateOut)],
  ["IN/S", 7, "rate", ({ rateIn }) => rateText(rateIn)],
  ["OUT", 7, "bytes", ({ bytes_out }) => bytesText(bytes_out)],
  ["IN", 7, "bytes", ({ bytes_in }) => bytesText(bytes_in)],
  ["REFUSED", 9, "refused", ({ refusals }) => countText(refusals)],
];

const NUMBERS_WIDTH = COLUMNS.reduce((sum, [, width]) => sum + width, 0);

/** The narrowest column of names. A narrower terminal lacks the last columns. */
const LEAST_NAME = 20;

/** The line of headings, `width` columns wide. The order of the rows has a star. */
export function headingLine(width: number, order: Order): string {
  let marked = false;
  const cells = COLUMNS.map(([heading, columns, by]) => {
    const isOrder = by === order && !marked;
    marked ||= isOrder;
    return (isOrder ? `*${heading}` : heading).padStart(columns);
  });
  return (order === "name" ? "*NAME" : "NAME").padEnd(nameWidth(width)) + cells.join("");
}

/** The line of a row, `width` columns wide. A long name loses its beginning: its end says whose it is. */
export function rowLine(row: Row, width: number): string {
  const room = nameWidth(width), name = row.kind === "other" ? "(other)" : row.name;
  const shown = name.length < room ? name : `..${name.slice(name.length - room + 3)}`;
  return shown.padEnd(room) + COLUMNS.map(([, columns, , text]) => text(row).padStart(columns)).join("");
}

function nameWidth(width: number): number {
  return Math.max(LEAST_NAME, width - NUMBERS_WIDTH);
}

/** The rule for a row, in one sentence or two: which allows it, and which flags would let what was refused. */
export function ruleText(row: Row): string {
  const { kind, name, flows, rule, refusals, reason, shown, remedy } = row;
  if (kind === "other") return "these names have no lines of their own: the table was full, or no rule can name them";
  const parts: string[] = [];
  if (rule !== null) parts.push(`allowed by ${rule}`);
  else if (flows > 0) parts.push("allowed by its address");
  if (reason !== null) {
    const what = shown === null || shown === name ? "" : ` (${shown})`;
    const how = remedy === null ? "" : `; ${remedy} would let it`;
    parts.push(
      `refused ${refusals === 1 ? "once" : `${refusals} times`}, last ${reason}${what}: ${REASON_TEXTS[reason]}${how}`,
    );
  }
  return `${name}: ${parts.join("; ")}`;
}

/** Six columns at most. */
function countText(count: number): string {
  return count < 1_000_000 ? String(count) : `${Math.floor(count / 1_000_000)}M`;
}

function rateText(rate: number | null): string {
  return rate === null ? "-" : bytesText(rate);
}

const UNITS = ["", "K", "M", "G", "T", "P", "E"];

/** Bytes in five columns at most. K is 1,024. */
export function bytesText(bytes: number): string {
  let value = bytes, unit = 0;
  while (value >= 1_023.5 && unit < UNITS.length - 1) {
    value /= 1_024;
    unit++;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)}${UNITS[unit]}`;
}
