/**
 * Prepares rules: replaces presets by their rules, checks wildcards, and separates names from addresses.
 *
 * Presets and the list of public suffixes are loaded only if a rule needs them.
 *
 * @module
 */
import { quote } from "../../syntax/go_quote.ts";
import { InvalidValue } from "../../syntax/invalid_value.ts";
import type { Range } from "../range.ts";
import { type AddressRule, type NameRule, parseRules, type Rule } from "./rule.ts";

/** A rule that is not a preset. */
export type PreparedRule = NameRule | AddressRule;

/** Prepared rules. */
export interface RuleList {
  readonly names: readonly NameRule[];
  readonly addresses: readonly AddressRule[];
}

/** Reads rules separated by commas, and prepares them. Rejects with an {@linkcode InvalidValue}. */
export function readRuleList(text: string): Promise<RuleList> {
  return prepareRules(parseRules(text));
}

/** Both lists as one. */
export function joinRules(rules: readonly PreparedRule[], more: RuleList): RuleList {
  return {
    names: [...rules.filter((rule) => rule.about === "name"), ...more.names],
    addresses: [...rules.filter((rule) => rule.about === "addresses"), ...more.addresses],
  };
}

/** Prepares rules. Rejects with an {@linkcode InvalidValue} about the first rule that is not possible. */
export async function prepareRules(rules: readonly Rule[]): Promise<RuleList> {
  const names: NameRule[] = [], addresses: AddressRule[] = [];
  for (const rule of await expanded(rules)) {
    if (rule.about === "addresses") addresses.push(rule);
    else if (rule.about === "name") names.push(rule);
  }
  await checkWildcards(names);
  return { names, addresses };
}

/** The ranges of rules that allow, or of those that deny, at a time by the wall clock in ms since 1970. */
export function rangesOf({ addresses }: RuleList, deny: boolean, now: number): readonly Range[] {
  return addresses.filter((rule) => rule.deny === deny && (rule.until === null || now < rule.until))
    .flatMap(({ ranges }) => ranges);
}

/** When the next rule ends after that time; null: none does. */
export function nextEnd({ names, addresses }: RuleList, now: number): number | null {
  const ends = [...names, ...addresses].map(({ until }) => until).filter((until) => until !== null && until > now);
  return ends.length === 0 ? null : Math.min(...ends as number[]);
}

async function expanded(rules: readonly Rule[]): Promise<readonly Rule[]> {
  if (!rules.some(({ about }) => about === "preset")) return rules;
  const { expandPreset } = await import("./presets.ts");
  return rules.flatMap((rule) => rule.about === "preset" ? expandPreset(rule) : [rule]);
}

async function checkWildcards(rules: readonly NameRule[]): Promise<void> {
  const open = rules.filter(({ wildcard, deny, anySuffix }) => wildcard && !deny && !anySuffix);
  if (open.length === 0) return;
  const { isPublicSuffix } = await import("./public_suffix.ts");
  for (const { name, text } of open) {
    if (!isPublicSuffix(name)) continue;
    throw new InvalidValue(
      `${quote(text)}: anyone can have a name below ${name}, a public suffix; *!.${name} allows them all the same`,
    );
  }
}
