/**
 * Parsing of the reports of the lab's clients.
 *
 * @module
 */
import { assert } from "../../assert.ts";

/** A field of a report; undefined if there is none. */
export function field(report: unknown, name: string): unknown {
  return typeof report === "object" && report !== null ? Reflect.get(report, name) : undefined;
}

/** A field that must be a text. */
export function text(report: unknown, name: string): string {
  const value = field(report, name);
  assert(typeof value === "string", JSON.stringify(report));
  return value;
}

/** A field that must be an array. */
export function array(report: unknown, name: string): unknown[] {
  const value = field(report, name);
  assert(Array.isArray(value), JSON.stringify(report));
  return value;
}

/** A text of single bytes as hexadecimal digits. */
export function hex(text: string): string {
  return [...text].map((character) => character.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}

/** Hexadecimal digits as a text of single bytes. */
export function unhex(digits: string): string {
  return digits.replace(/../g, (byte) => String.fromCharCode(parseInt(byte, 16)));
}

/** A pattern that matches exactly this text. */
export function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
