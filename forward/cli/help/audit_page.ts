/**
 * The page of help about the audit: `-audit`, `-audit-fd`, and their lines.
 *
 * @module
 */
import { KEYS, KIND_TEXTS, REASON_TEXTS } from "../../audit/schema.ts";
import type { Section } from "./page.ts";

/** The lines of the audit. */
export const AUDIT: readonly Section[] = [
  {
    title: "Audit",
    blocks: [
      "`-audit` and `-audit-fd` write a line for each flow, each refusal and each DNS question that rules for names " +
      "decide: a JSON object, with `time`, by the host's clock, and `kind`.",
      {
        terms: Object.entries(KIND_TEXTS).map((
          [kind, text],
        ) => [`\`${kind}\``, `${text[0]!.toUpperCase()}${text.slice(1)}.`]),
      },
      "The other keys, of the kinds that have them:",
      {
        terms: KEYS.map(({ key, kinds, what }) => [
          `\`${key}\``,
          `${what[0]!.toUpperCase()}${what.slice(1)} (${kinds.join(", ")}).`,
        ]),
      },
      "The values of `reason`:",
      { terms: Object.entries(REASON_TEXTS).map(([reason, text]) => [`\`${reason}\``, `${text}.`]) },
      "Payload, headers, paths and queries are not recorded. Names are in lower case and ASCII; a name with other characters " +
      "is `null`. So what a guest sends can't forge a line. The JSON schema is in each release, as " +
      "`audit-1.schema.json`.",
    ],
  },
  {
    title: "Examples",
    blocks: [
      "The names that were refused, and how often:",
      { code: ["jq -r 'select(.kind == \"deny\").name' audit.jsonl | sort | uniq -c | sort -n"] },
    ],
  },
];
