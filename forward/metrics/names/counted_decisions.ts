/**
 * A decision observer that counts refusals in a {@linkcode NameTable} and passes each event on to the audit, if there is
 * one.
 *
 * @module
 */
import type { DecisionObserver } from "../../report/decisions.ts";
import type { NameTable } from "./name_table.ts";

/** Wraps the audit; null: there is none. */
export function countedDecisions(audit: DecisionObserver | null, names: NameTable): DecisionObserver {
  return {
    answered: (question) => audit?.answered(question),
    refusedQuestion: (question, reason) => {
      names.refusedQuestion(question.name, reason);
      audit?.refusedQuestion(question, reason);
    },
    refusedFlow: (flow) => {
      names.refusedFlow(flow);
      audit?.refusedFlow(flow);
    },
    replaced: (generation, rules) => audit?.replaced(generation, rules),
    mayOpen: () => audit?.mayOpen() ?? true,
  };
}
