/**
 * The names as JSON, and how the JSON is read again by `slirpnetstack top`.
 *
 * @module
 */
import type { NameRow } from "./name_table.ts";

/** A state of the table. */
export interface NamesSnapshot {
  /** The time in ms, by a clock that does not go back. */
  readonly time: number;
  readonly names: readonly NameRow[];
}

/** The JSON of a state. */
export function namesJson(names: Iterable<NameRow>, time: number): string {
  return `${JSON.stringify({ time: Math.round(time), names: [...names] })}\n`;
}

/** Reads it. Throws an Error if it is none. */
export function readNames(text: string): NamesSnapshot {
  const value: unknown = JSON.parse(text);
  if (!isSnapshot(value)) throw new Error("not the JSON of names");
  return value;
}

function isSnapshot(value: unknown): value is NamesSnapshot {
  return isObject(value) && typeof value.time === "number" && Array.isArray(value.names) && value.names.every(isRow);
}

function isRow(value: unknown): boolean {
  if (!isObject(value) || typeof value.name !== "string") return false;
  const { flows, opened, bytes_out, bytes_in, refused } = value;
  return [flows, opened, bytes_out, bytes_in, refused].every((number) => typeof number === "number") &&
    [value.rule, value.reason, value.remedy].every((text) => text === null || typeof text === "string");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
