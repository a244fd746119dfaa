/**
 * The command `policy`: shows policies, without serving a guest.
 *
 *     policy explain FILE NAME[:PORT]     the decision of a policy about a name or an address, and the rule that decides
 *     policy show @PRESET                 the rules of a preset, and their source
 *     policy schema                       the JSON schema of policy files
 *
 * @module
 */
import { IpAddress } from "../../stack/base/address.ts";
import { policySchema } from "../policy/file/schema.ts";
import { readPolicy } from "../policy/file/policy_file.ts";
import { canonicalName } from "../policy/names/canonical.ts";
import type { ShownKind } from "../policy/names/demand.ts";
import { NameRules, type NameVerdict } from "../policy/names/name_rules.ts";
import { findPreset, PRESETS } from "../policy/names/presets.ts";
import type { AddressRule } from "../policy/names/rule.ts";
import type { RuleList } from "../policy/names/rule_list.ts";
import { parsePorts, type RangeNetwork } from "../policy/range.ts";
import { splitParts } from "../syntax/bracketed.ts";
import { InvalidValue } from "../syntax/invalid_value.ts";

/** The output of the command, and its exit status. */
export interface PolicyOutcome {
  readonly text: string;
  /** Whether the text is for stderr. */
  readonly isError: boolean;
  readonly status: number;
}

/** The usage of the command. */
export const POLICY_USAGE: string = "usage: slirpnetstack policy explain FILE NAME[:PORT] | show @PRESET | schema";

/** Status 0: allowed, or printed. 1: refused. 2: the command or the policy is wrong. */
const ALLOWED = 0, REFUSED = 1, WRONG = 2;

const DEFAULT_PORT = 443;

/** Runs the command. `read`: reads a file whole, and throws if it can't. */
export async function policyCommand(args: readonly string[], read: (path: string) => string): Promise<PolicyOutcome> {
  const [word, first, second, ...more] = args;
  try {
    if (word === "explain" && first !== undefined && second !== undefined && more.length === 0) {
      return explain(await readPolicy(first, read(first)), second);
    }
    if (word === "show" && first !== undefined && second === undefined) return printed(shown(first));
    if (word === "schema" && first === undefined) return printed(JSON.stringify(policySchema(), null, 2));
    return { text: `${POLICY_USAGE}\n`, isError: true, status: WRONG };
  } catch (error) {
    return { text: `${error instanceof Error ? error.message : error}\n`, isError: true, status: WRONG };
  }
}

function printed(text: string): PolicyOutcome {
  return { text: `${text}\n`, isError: false, status: ALLOWED };
}

function shown(word: string): string {
  if (!word.startsWith("@")) {
    throw new InvalidValue(`a preset is missing: one of ${Object.keys(PRESETS).map((name) => `@${name}`).join(", ")}`);
  }
  const { version, date, what, source, rules } = findPreset(word.slice(1));
  return [`${word}: ${what}`, `version ${version}, ${date}, from ${source}`, ...rules].join("\n");
}

function explain(rules: RuleList, target: string): PolicyOutcome {
  const [host = "", portText, ...more] = splitParts(target);
  if (more.length > 0) throw new InvalidValue(`too many colons in ${target}, IPv6 needs brackets`);
  const [port, last] = portText === undefined ? [DEFAULT_PORT, DEFAULT_PORT] : parsePorts(portText);
  if (port !== last || portText === "0") throw new InvalidValue("one port is needed");
  const address = IpAddress.tryParse(host);
  const answers = address === null
    ? aboutName(new NameRules(rules.names), canonicalName(host), port)
    : aboutAddress(rules.addresses, address, port);
  const lines = answers.map(({ line }) => `${line}\n`).join("");
  return { text: lines, isError: false, status: answers.some(({ allowed }) => allowed) ? ALLOWED : REFUSED };
}

interface Answer {
  readonly line: string;
  /** Whether a flow is allowed. */
  readonly allowed: boolean;
}

function aboutName(rules: NameRules, name: string, port: number): readonly Answer[] {
  const question = rules.question(name);
  const asked = question.allowed
    ? `question for ${name}: allowed${question.byWildcard ? ", as a new name of a wildcard" : ""}`
    : `question for ${name}: refused, ${because(question)}`;
  const flows = (["tcp", "udp"] as const).map((network) => {
    const verdict = rules.decide(network, name, port);
    return { line: `${network}://${name}:${port}: ${told(verdict)}`, allowed: verdict.allowed };
  });
  return [{ line: asked, allowed: false }, ...flows];
}

function told(verdict: NameVerdict): string {
  if (!verdict.allowed) return `refused, ${because(verdict)}`;
  const { rule, demand } = verdict;
  return `allowed by ${rule.text}; ${demand === null ? "it may carry anything" : SHOWS[demand.shows]}`;
}

function because(
  { reason, rule }: { readonly reason: "no_rule" | "denied"; readonly rule: { readonly text: string } | null },
) {
  return reason === "denied" && rule !== null ? `denied by ${rule.text}` : "no rule allows it";
}

const SHOWS: Readonly<Record<ShownKind, string>> = {
  tls: "it must begin with a ClientHello of that name",
  http: "its HTTP requests must be to that host",
  quic: "it must begin with a QUIC Initial of that name",
  any: "if it is TLS or HTTP, it must show that name",
};

function aboutAddress(rules: readonly AddressRule[], address: IpAddress, port: number): readonly Answer[] {
  return (["tcp", "udp"] as const).map((network) => {
    const deny = rules.find((rule) => rule.deny && holds(rule, network, address, port));
    const allow = rules.find((rule) => !rule.deny && holds(rule, network, address, port));
    const verdict = deny !== undefined
      ? `refused, denied by ${deny.text}`
      : allow !== undefined
      ? `allowed by ${allow.text}; it may carry anything`
      : "refused, no rule allows it";
    const shownAddress = address.version === 6 ? `[${address}]` : `${address}`;
    return {
      line: `${network}://${shownAddress}:${port}: ${verdict}`,
      allowed: deny === undefined && allow !== undefined,
    };
  });
}

function holds({ ranges, until }: AddressRule, network: RangeNetwork, address: IpAddress, port: number): boolean {
  if (until !== null && Date.now() >= until) return false;
  return ranges.some((range) =>
    range.network === network && range.prefix.contains(address) && port >= range.minPort && port <= range.maxPort
  );
}
