/**
 * Reads a policy file: JSON with comments, of the shape in shape.ts. It stops at the first fault, and reports its line, its
 * column and the correct form. Unknown keys are faults, because a misspelt key would silently have no effect.
 *
 * This module and the parser are loaded only if `-policy` or the command `policy` is given.
 *
 * @module
 */
import { type Node, type ParseError, parseTree } from "jsonc-parser";
import { quote } from "../../syntax/go_quote.ts";
import { InvalidValue } from "../../syntax/invalid_value.ts";
import { parseRule, type Rule } from "../names/rule.ts";
import { prepareRules, type RuleList } from "../names/rule_list.ts";
import { type ObjectShape, POLICY_SHAPE, type Shape } from "./shape.ts";

/** A fault of a policy file. The message has the line and the column, from 1. */
export class PolicyFault extends Error {
  override name = "PolicyFault";

  /** @param offset the position of the fault in `text` */
  constructor(readonly path: string, text: string, offset: number, what: string) {
    const before = text.slice(0, offset).split("\n");
    super(`${path}:${before.length}:${before.at(-1)!.length + 1}: ${what}`);
  }
}

/** Reads a policy. Rejects with a {@linkcode PolicyFault}. `path`: for messages. */
export async function readPolicy(path: string, text: string): Promise<RuleList> {
  const fault = (node: { readonly offset: number }, what: string) => new PolicyFault(path, text, node.offset, what);
  const root = parse(text, fault);
  checkShape(root, POLICY_SHAPE, fault);
  const names: RuleList["names"][number][] = [], addresses: RuleList["addresses"][number][] = [];
  for (const { rule, node } of rulesOf(root, fault)) {
    try {
      const prepared = await prepareRules([rule]);
      names.push(...prepared.names);
      addresses.push(...prepared.addresses);
    } catch (error) {
      throw error instanceof InvalidValue ? fault(node, error.message) : error;
    }
  }
  return { names, addresses };
}

type Fault = (node: { readonly offset: number }, what: string) => PolicyFault;

function parse(text: string, fault: Fault): Node {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (text.trim() === "") throw fault({ offset: 0 }, 'the file is empty: a policy that denies all is { "version": 1 }');
  if (first !== undefined) throw fault(first, PARSE_ERRORS[first.error] ?? "this is not JSON");
  if (root === undefined) throw fault({ offset: 0 }, "this is not JSON");
  return root;
}

/** Messages for the codes of the parser (its ParseErrorCode). */
const PARSE_ERRORS: Readonly<Record<number, string>> = {
  1: "an invalid symbol",
  2: "an invalid number",
  3: "a key in double quotes is missing",
  4: "a value is missing",
  5: "a colon is missing",
  6: "a comma is missing",
  7: "a closing brace is missing",
  8: "a closing bracket is missing",
  9: "the end of the file was expected here",
  11: "a comment has no end",
  12: "a text has no end",
  13: "a number has no end",
  14: "an invalid \\u escape",
  15: "an invalid escape",
  16: "an invalid character",
};

function checkShape(node: Node, shape: Shape, fault: Fault): void {
  switch (shape.kind) {
    case "text":
      if (node.type !== "string") throw fault(node, `a text belongs here: ${shape.what}`);
      if (shape.pattern !== undefined && !new RegExp(shape.pattern).test(node.value)) {
        throw fault(node, `${quote(node.value)} is not ${shape.what}`);
      }
      return;
    case "one":
      if (shape.values.includes(node.value)) return;
      throw fault(node, `${shape.what} must be ${shape.values.map((value) => JSON.stringify(value)).join(" or ")}`);
    case "list":
      if (node.type !== "array") throw fault(node, `a list belongs here: ${shape.what}`);
      for (const item of node.children ?? []) checkShape(item, shape.of, fault);
      return;
    case "object":
      return checkObject(node, shape, fault);
  }
}

function checkObject(node: Node, shape: ObjectShape, fault: Fault): void {
  if (node.type !== "object") throw fault(node, `an object belongs here: ${shape.what}`);
  const seen = new Set<string>();
  for (const { key, keyNode, value } of propertiesOf(node)) {
    if (!Object.hasOwn(shape.keys, key)) {
      throw fault(keyNode, `unknown key ${quote(key)}: ${shape.what} has ${Object.keys(shape.keys).join(", ")}`);
    }
    if (seen.has(key)) throw fault(keyNode, `${quote(key)} is given twice`);
    seen.add(key);
    checkShape(value, shape.keys[key], fault);
  }
  for (const key of shape.required) if (!seen.has(key)) throw fault(node, `${quote(key)} is missing in ${shape.what}`);
  const { oneOf } = shape;
  if (oneOf === undefined || oneOf.filter((key) => seen.has(key)).length === 1) return;
  throw fault(node, `${shape.what} has exactly one of ${oneOf.join(" and ")}`);
}

interface Property {
  readonly key: string;
  readonly keyNode: Node;
  readonly value: Node;
}

function propertiesOf(node: Node): readonly Property[] {
  return (node.children ?? []).flatMap(({ children: [keyNode, value] = [] }) =>
    keyNode === undefined || value === undefined ? [] : [{ key: String(keyNode.value), keyNode, value }]
  );
}

/** The rules of a file of the right shape, each with its node for reports of faults. */
function* rulesOf(root: Node, fault: Fault): Iterable<{ readonly rule: Rule; readonly node: Node }> {
  const top = new Map(propertiesOf(root).map(({ key, value }) => [key, value]));
  for (const node of top.get("use")?.children ?? []) yield { rule: ruleAt(node, "", null, fault), node };
  for (const item of top.get("rules")?.children ?? []) {
    const parts = new Map(propertiesOf(item).map(({ key, value }) => [key, value]));
    const node = parts.get("allow") ?? parts.get("deny")!; // one of them is there, by the shape
    const until = timeAt(parts.get("until"), fault);
    const rule = ruleAt(node, parts.has("deny") ? "!" : "", until, fault);
    const id = parts.get("id")?.value;
    yield { rule: typeof id === "string" ? { ...rule, text: id } : rule, node };
  }
}

function ruleAt(node: Node, mark: string, until: number | null, fault: Fault): Rule {
  const text = String(node.value);
  if (text.startsWith("!")) throw fault(node, "a rule that denies is written with the key deny, without the !");
  try {
    return parseRule(mark + text, until);
  } catch (error) {
    throw error instanceof InvalidValue ? fault(node, error.message) : error;
  }
}

function timeAt(node: Node | undefined, fault: Fault): number | null {
  if (node === undefined) return null;
  const time = Date.parse(String(node.value));
  if (Number.isNaN(time)) throw fault(node, `${quote(String(node.value))} is no date and time`);
  return time;
}
