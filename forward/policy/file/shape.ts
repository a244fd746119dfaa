/**
 * The shape of a policy file, as data: the reader checks files by it (policy_file.ts), and the published schema is made
 * from it (schema.ts).
 *
 * @module
 */

/** The shape of a value. */
export type Shape =
  | { readonly kind: "text"; readonly what: string; readonly pattern?: string }
  /** One of these values. */
  | { readonly kind: "one"; readonly what: string; readonly values: readonly (string | number)[] }
  | { readonly kind: "list"; readonly what: string; readonly of: Shape }
  | ObjectShape;

/** An object: no other key is allowed. */
export interface ObjectShape {
  readonly kind: "object";
  readonly what: string;
  readonly keys: Readonly<Record<string, Shape>>;
  /** Keys that are required. */
  readonly required: readonly string[];
  /** Keys of which exactly one is required. */
  readonly oneOf?: readonly string[];
}

/** The format of RFC 3339 for times. */
export const TIME_PATTERN = "^\\d{4}-\\d\\d-\\d\\d[Tt]\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?([Zz]|[+-]\\d\\d:\\d\\d)$";

const RULE: ObjectShape = {
  kind: "object",
  what: "a rule",
  keys: {
    allow: { kind: "text", what: "what the guest may reach, as after -only" },
    deny: { kind: "text", what: "what it may not reach, whatever else is allowed; without the !" },
    id: { kind: "text", what: "a short name of the rule, for the audit", pattern: "^[A-Za-z0-9._-]{1,64}$" },
    note: { kind: "text", what: "a remark for people" },
    until: { kind: "text", what: "when the rule ends: a date and a time of RFC 3339", pattern: TIME_PATTERN },
  },
  required: [],
  oneOf: ["allow", "deny"],
};

/** A whole file. */
export const POLICY_SHAPE: ObjectShape = {
  kind: "object",
  what: "a policy",
  keys: {
    $schema: { kind: "text", what: "where the schema is, for editors" },
    version: { kind: "one", what: "the version of this format", values: [1] },
    default: { kind: "one", what: "what happens to all else", values: ["deny"] },
    use: {
      kind: "list",
      what: "presets",
      of: { kind: "text", what: "a preset, such as @npm", pattern: "^@[a-z0-9-]+$" },
    },
    rules: { kind: "list", what: "rules; their order does not matter", of: RULE },
  },
  required: ["version"],
};
