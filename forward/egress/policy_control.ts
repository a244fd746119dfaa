/**
 * Replaces the rules while the program serves: when the policy file is read again, and over the API.
 *
 * @module
 */
import { joinRules, type PreparedRule, type RuleList } from "../policy/names/rule_list.ts";

/** Reads a policy. Rejects with a PolicyFault, in which `path` names it. */
export type PolicyReader = (path: string, text: string) => Promise<RuleList>;

/** The rules as the API shows them. */
export interface ShownPolicy {
  /** Goes up by one each time that the rules are replaced, from 1. */
  readonly generation: number;
  /** Each as it is written, or its `id`. */
  readonly rules: readonly string[];
}

/** The rules that are replaced. */
export interface ReplaceableRules {
  readonly current: RuleList;
  readonly rules: { readonly generation: number };
  replace(rules: RuleList): void;
}

/** Replaces rules whole. */
export class PolicyControl {
  /** @param fixed the rules of `-only`, which are not replaced */
  constructor(
    private readonly egress: ReplaceableRules,
    private readonly fixed: readonly PreparedRule[],
    private readonly read: PolicyReader,
  ) {}

  /** The rules as they are now. */
  get shown(): ShownPolicy {
    const { current: { names, addresses }, rules: { generation } } = this.egress;
    return { generation, rules: [...names, ...addresses].map(({ text }) => text) };
  }

  /**
   * Replaces all rules but those of `-only` by those of a policy, and returns the new generation. Rejects with a PolicyFault,
   * and the rules stay.
   *
   * @param path what the fault calls the policy
   */
  async replace(path: string, text: string): Promise<number> {
    const rules = await this.read(path, text);
    this.egress.replace(joinRules(this.fixed, rules));
    return this.egress.rules.generation;
  }
}
