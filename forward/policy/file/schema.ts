/**
 * The JSON schema of policy files, for editors. It is part of each release.
 *
 * @module
 */
import { POLICY_SHAPE, type Shape } from "./shape.ts";

/** The name of the schema's file in a release. */
export const SCHEMA_FILE = "policy-1.schema.json";

/** The schema (JSON Schema, draft 2020-12). */
export function policySchema(): Record<string, unknown> {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "A policy of slirpnetstack",
    ...schemaOf(POLICY_SHAPE),
  };
}

function schemaOf(shape: Shape): Record<string, unknown> {
  const { what: description } = shape;
  switch (shape.kind) {
    case "text":
      return { description, type: "string", ...(shape.pattern === undefined ? {} : { pattern: shape.pattern }) };
    case "one":
      return { description, enum: shape.values };
    case "list":
      return { description, type: "array", items: schemaOf(shape.of) };
    case "object": {
      const properties = Object.fromEntries(Object.entries(shape.keys).map(([key, of]) => [key, schemaOf(of)]));
      const choice = shape.oneOf === undefined ? {} : { oneOf: shape.oneOf.map((key) => ({ required: [key] })) };
      const { required } = shape;
      return { description, type: "object", properties, required, additionalProperties: false, ...choice };
    }
  }
}
