/**
 * Presets: rules for the hosts of one service, by a short name. They are exact names. They leave out a company's API, and
 * hosts where anybody can publish data for anybody.
 *
 * @module
 */
import { quote } from "../../syntax/go_quote.ts";
import { InvalidValue } from "../../syntax/invalid_value.ts";
import presets from "./presets.json" with { type: "json" };
import { parseRule, type PresetRule, type Rule } from "./rule.ts";

/** A preset. */
export interface Preset {
  /** Goes up when its rules change. */
  readonly version: number;
  /** When its rules were last compared with their source, as YYYY-MM-DD. */
  readonly date: string;
  /** Its purpose, in a few words. */
  readonly what: string;
  /** The page on which the service's owner lists its hosts. */
  readonly source: string;
  /** The rules as they are written. */
  readonly rules: readonly string[];
}

/** All presets by name, without the `@`. */
export const PRESETS: Readonly<Record<string, Preset>> = presets;

/** The preset of that name, without the `@`. Throws an {@linkcode InvalidValue}. */
export function findPreset(name: string): Preset {
  if (Object.hasOwn(PRESETS, name)) return PRESETS[name];
  const known = Object.keys(PRESETS).map((one) => `@${one}`).join(", ");
  throw new InvalidValue(`unknown preset ${quote(`@${name}`)}: it is one of ${known}`);
}

/** The rules that a preset's rule stands for. Throws an {@linkcode InvalidValue}. */
export function expandPreset({ preset, deny, until }: PresetRule): readonly Rule[] {
  return findPreset(preset).rules.map((text) => parseRule(denied(text, deny), until));
}

/** To deny a preset is to deny its names, whatever the kind and port. */
function denied(text: string, deny: boolean): string {
  return deny ? `!${text.replace(/^.*:\/\//, "")}` : text;
}
