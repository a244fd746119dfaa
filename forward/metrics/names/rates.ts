/**
 * Bytes a second, from two states of the table of names.
 *
 * @module
 */
import type { NameRow } from "./name_table.ts";
import type { NamesSnapshot } from "./names_json.ts";

/** A name with its rates. */
export interface RatedRow extends NameRow {
  /** Bytes a second from the guest and to it. */
  readonly rateOut: number;
  readonly rateIn: number;
}

/** The rows of `now`, with the rates since `before`; null: there are none yet. */
export function rated(before: NamesSnapshot | null, now: NamesSnapshot): readonly RatedRow[] {
  const old = new Map(before?.names.map((row) => [row.name, row]));
  const seconds = before === null ? 0 : (now.time - before.time) / 1_000;
  return now.names.map((row) => {
    const { bytes_out = 0, bytes_in = 0 } = old.get(row.name) ?? {};
    const rate = (bytes: number) => seconds > 0 ? Math.max(0, bytes) / seconds : 0;
    return { ...row, rateOut: rate(row.bytes_out - bytes_out), rateIn: rate(row.bytes_in - bytes_in) };
  });
}
