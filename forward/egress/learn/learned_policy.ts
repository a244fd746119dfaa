/**
 * The policy file of `-learn`: exact rules, sorted. A wildcard is proposed in a comment where several names have the same
 * parent; it is for a person to decide.
 *
 * @module
 */
import { isPublicSuffix } from "../../policy/names/public_suffix.ts";

/** Names below a common parent for which a wildcard is proposed. */
const SIBLINGS = 3;

/** The text of the file. */
export function learnedPolicy(rules: readonly string[]): string {
  const items = rules.map((rule) =>
    JSON.stringify({ allow: rule }).replace(/^\{|\}$/g, (brace) => brace === "{" ? "{ " : " }")
  );
  const lines = items.map((item, i) => `    ${item.replace('":"', '": "')}${i < items.length - 1 ? "," : ""}`);
  return [
    "// What the guest has used, as exact rules. Read them before you use them: a policy should allow what is wanted, not",
    "// what has happened.",
    "{",
    '  "version": 1,',
    ...(lines.length === 0 ? ['  "rules": []'] : ['  "rules": [', ...wildcards(rules), ...lines, "  ]"]),
    "}",
    "",
  ].join("\n");
}

/** A comment for each wildcard that would stand for several rules. */
function wildcards(rules: readonly string[]): readonly string[] {
  const children = new Map<string, string[]>();
  for (const rule of rules) {
    const [, kind = "", child = "", parent = "", rest = ""] =
      /^([a-z]+:\/\/)?([a-z0-9_-]+)\.([a-z0-9_.-]*[a-z][a-z0-9_.-]*)(:\d+)?$/.exec(rule) ?? [];
    if (parent === "" || isPublicSuffix(parent)) continue;
    const wildcard = `${kind}*.${parent}${rest}`;
    children.set(wildcard, [...children.get(wildcard) ?? [], child]);
  }
  return [...children].filter(([, names]) => names.length >= SIBLINGS).map(([wildcard, names]) =>
    `    // "${wildcard}" would stand for ${names.slice(0, 8).join(", ")}${names.length > 8 ? ", ..." : ""}`
  );
}
