/**
 * Texts that people write and guests send, at random: rules, policy files and names. A reader may refuse what it does
 * not like in its own way; it may not throw anything else, and what it takes must mean the same when it is written
 * again.
 *
 * @module
 */
import { PolicyFault, readPolicy } from "../../forward/policy/file/policy_file.ts";
import { canonicalName, shownName } from "../../forward/policy/names/canonical.ts";
import { parseRule } from "../../forward/policy/names/rule.ts";
import { InvalidValue } from "../../forward/syntax/invalid_value.ts";
import { Random } from "./frames.ts";

const PIECES = [
  ...["a", "api", "example", "com", "xn--bcher-kva", "bücher", "_sip", "*", "*!", "!", "@", "npm", ".", "..", "-", " "],
  ...[":", "443", "0", "65536", "80-90", "://", "tls", "http", "quic", "tcp", "udp", "dns", "?", "quic=off", "ech=on"],
  ...[
    "type=SRV",
    ",",
    "TXT",
    "/",
    "24",
    "10.0.0.0",
    "192.0.2.1",
    "[2001:db8::1]",
    "::",
    "0x7f",
    "1e3",
    "\0",
    "\n",
    "%41",
  ],
];

const POLICIES = [
  '{ "version": 1, "use": [], "rules": [ { "allow": "tcp://a.example:22", "id": "x" }, { "deny": "10.0.0.0/8" } ] }',
  '{\n  // remark\n  "version": 1, "default": "deny",\n  "rules": [{ "allow": "192.0.2.1", "until": "2026-12-24T00:00:00Z" },]\n}',
];

/** Throws an Error about the first text that was read wrongly. */
export async function fuzzTexts(seed: number, rounds: number): Promise<void> {
  const random = new Random(Math.imul(seed, 0x85ebca6b) ^ 0x7e57 || 1);
  for (let i = 0; i < 8; i++) random.next();
  for (let i = 0; i < rounds; i++) {
    const text = Array.from({ length: 1 + random.below(7) }, () => random.of(PIECES)).join("");
    checkRule(text);
    checkName(text);
    if (i % 4 === 0) await checkPolicy(mutated(random.of(POLICIES), random));
  }
}

function checkRule(text: string): void {
  const rule = ours(text, () => parseRule(text));
  if (rule === null) return;
  const again = parseRule(rule.text);
  if (JSON.stringify({ ...again, turnedFrom: null }) !== JSON.stringify({ ...rule, turnedFrom: null })) {
    throw new Error(`${JSON.stringify(text)} is not ${rule.text}`);
  }
}

function checkName(text: string): void {
  const name = ours(text, () => canonicalName(text));
  if (name !== null && shownName(name) !== name) throw new Error(`${JSON.stringify(text)} is ${JSON.stringify(name)}`);
  const shown = shownName(text);
  if (shown !== null && shown !== text.toLowerCase()) throw new Error(`${JSON.stringify(text)} shows ${shown}`);
}

async function checkPolicy(text: string): Promise<void> {
  try {
    await readPolicy("p", text);
  } catch (error) {
    if (!(error instanceof PolicyFault)) throw new Error(`the policy ${JSON.stringify(text)}`, { cause: error });
    if (!/^p:\d+:\d+: ./.test(error.message)) throw new Error(`the message ${JSON.stringify(error.message)}`);
  }
}

/** The result of the function; null: it has refused the text. */
function ours<T>(text: string, read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof InvalidValue) return null;
    throw new Error(`the text ${JSON.stringify(text)}`, { cause: error });
  }
}

function mutated(text: string, random: Random): string {
  for (let i = random.below(4); i > 0; i--) {
    const at = random.below(text.length), length = random.below(6);
    text = text.slice(0, at) + random.of([...PIECES, '"', "{", "}", "[", "]", ","]) + text.slice(at + length);
  }
  return text;
}
