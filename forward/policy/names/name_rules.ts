/**
 * Decides by name among any number of rules: one lookup in a Map for the name, and one for each name above it.
 *
 * Deny wins over allow, whatever the order of the rules. If several rules allow a flow, the least demanding one counts,
 * because each of them suffices: raw before `any`, `any` before one kind; between TLS and HTTP, the rule for the name
 * itself before a wildcard, and a longer wildcard before a shorter one.
 *
 * @module
 */
import type { RangeNetwork } from "../range.ts";
import type { NameDemand, ShownKind } from "./demand.ts";
import type { NameRule } from "./rule.ts";

/** The reasons why a name is refused. */
export type NameRefusal =
  /** No rule allows it. */
  | "no_rule"
  /** A rule denies it. */
  | "denied";

/** The answer about a flow to a name and a port. */
export type NameVerdict =
  /** `demand`: what the flow must show; null: nothing. */
  | { readonly allowed: true; readonly rule: Pick<NameRule, "text">; readonly demand: NameDemand | null }
  /** `rule`: the rule that denies it. */
  | { readonly allowed: false; readonly reason: NameRefusal; readonly rule: NameRule | null };

/** The answer about a question for a name. */
export type QuestionVerdict =
  /** `byWildcard`: no rule is about the name itself. `types`: those that may be asked for besides addresses. */
  | { readonly allowed: true; readonly byWildcard: boolean; readonly types: readonly number[] }
  | { readonly allowed: false; readonly reason: NameRefusal; readonly rule: NameRule | null };

/** The rules for one name, those that allow apart from those that deny. */
interface RuleSet {
  readonly allow: NameRule[];
  readonly deny: NameRule[];
}

const NO_RULE: NameVerdict & QuestionVerdict = { allowed: false, reason: "no_rule", rule: null };

/** Rules about names, indexed for lookups. */
export class NameRules {
  /** By the name that the rule is about. */
  private readonly exact = new Map<string, RuleSet>();
  /** By the name below which the rule holds. */
  private readonly below = new Map<string, RuleSet>();
  /** The number of rules. */
  readonly size: number;

  /** @param now the time by the wall clock, in ms since 1970 */
  constructor(rules: readonly NameRule[], private readonly now: () => number = Date.now) {
    this.size = rules.length;
    for (const rule of rules) {
      const table = rule.wildcard ? this.below : this.exact;
      let set = table.get(rule.name);
      if (set === undefined) table.set(rule.name, set = { allow: [], deny: [] });
      (rule.deny ? set.deny : set.allow).push(rule);
    }
  }

  /** Decides about a flow. The name must be in the form of canonical.ts. */
  decide(network: RangeNetwork, name: string, port: number): NameVerdict {
    let rule: NameRule | null = null, shows: ShownKind | "raw" = "raw";
    for (const { allow, deny } of this.setsFor(name)) {
      for (const one of deny) {
        if (this.isValid(one) && denies(one, network, port)) return { allowed: false, reason: "denied", rule: one };
      }
      for (const one of allow) {
        const wanted = showsOf(one, network, port);
        if (wanted === null || !this.isValid(one)) continue;
        if (rule === null || EASE[wanted] < EASE[shows]) [rule, shows] = [one, wanted];
      }
    }
    if (rule === null) return NO_RULE;
    return { allowed: true, rule, demand: shows === "raw" ? null : { name, shows, ech: rule.ech, rule: rule.text } };
  }

  /** Decides about a question. The name must be in the form of canonical.ts. */
  question(name: string): QuestionVerdict {
    let found = false, byWildcard = true;
    const types: number[] = [];
    for (const { allow, deny } of this.setsFor(name)) {
      for (const one of deny) {
        if (this.isValid(one) && (one.whole || one.kind === "dns")) {
          return { allowed: false, reason: "denied", rule: one };
        }
      }
      for (const one of allow) {
        if (!this.isValid(one)) continue;
        found = true;
        if (!one.wildcard) byWildcard = false;
        types.push(...one.types);
      }
    }
    return found ? { allowed: true, byWildcard, types } : NO_RULE;
  }

  /** The ports of a network that the rules open for a name, one for each rule; to judge its addresses by. */
  ports(name: string): readonly { readonly network: RangeNetwork; readonly port: number }[] {
    const ports: { network: RangeNetwork; port: number }[] = [];
    for (const { allow } of this.setsFor(name)) {
      for (const rule of allow) {
        const { minPort: port } = rule;
        if (!this.isValid(rule)) continue;
        if (showsOf(rule, "tcp", port) !== null) ports.push({ network: "tcp", port });
        if (showsOf(rule, "udp", port) !== null) ports.push({ network: "udp", port });
      }
    }
    return ports;
  }

  private *setsFor(name: string): Iterable<RuleSet> {
    const own = this.exact.get(name);
    if (own !== undefined) yield own;
    if (this.below.size === 0) return;
    for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
      const set = this.below.get(name.slice(dot + 1));
      if (set !== undefined) yield set;
    }
  }

  private isValid({ until }: NameRule): boolean {
    return until === null || this.now() < until;
  }
}

/** How demanding each kind is; a lower number demands less of a flow. */
export const EASE: Readonly<Record<ShownKind | "raw", number>> = { raw: 0, any: 1, tls: 2, http: 2, quic: 2 };

const HTTPS_PORT = 443, HTTP_PORT = 80;

/** The kind that an allowing rule demands of a flow; null: the rule is not about that network and port. */
function showsOf(rule: NameRule, network: RangeNetwork, port: number): ShownKind | "raw" | null {
  const { kind } = rule;
  if (port < rule.minPort || port > rule.maxPort) return null;
  if (network === "udp") {
    if (kind === "udp") return "raw";
    return kind === "quic" || (kind === "auto" && port === HTTPS_PORT && rule.quic) ? "quic" : null;
  }
  switch (kind) {
    case "auto":
      return port === HTTPS_PORT ? "tls" : port === HTTP_PORT ? "http" : "any";
    case "tls":
    case "http":
      return kind;
    case "tcp":
      return "raw";
    default:
      return null;
  }
}

function denies({ kind, whole, minPort, maxPort }: NameRule, network: RangeNetwork, port: number): boolean {
  if (whole) return true;
  if (kind === "dns" || port < minPort || port > maxPort) return false;
  return kind === "auto" || network === ((kind === "udp" || kind === "quic") ? "udp" : "tcp");
}
