/**
 * The current rules for names. They may be replaced as a whole at any time.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../stack/base/address.ts";
import type { NameDemand } from "../policy/names/demand.ts";
import {
  EASE,
  type NameRefusal,
  NameRules,
  type NameVerdict,
  type QuestionVerdict,
} from "../policy/names/name_rules.ts";
import type { NameRefusals } from "../policy/names/name_refusals.ts";
import type { RefusalReason } from "../policy/names/reasons.ts";
import type { NameRule } from "../policy/names/rule.ts";
import { RECORD_TYPES } from "../policy/names/record_types.ts";
import type { RangeNetwork } from "../policy/range.ts";
import type { DecisionObserver, RefusedFlow } from "../report/decisions.ts";
import type { Shown } from "../report/verdicts.ts";

/** The ends of a flow that the guest wants. */
export type Attempt = Pick<RefusedFlow, "guest" | "to">;

type Allowed = Extract<NameVerdict, { allowed: true }>;

/** The verdict on a flow that is allowed, and the name that it is about. */
export type Decided<Entry> = Allowed & { readonly entry: Entry };

/** The rules, and the reports of refusals. */
export class EgressRules {
  /** The generation of the rules, from 1. */
  generation = 1;
  private rules: NameRules;

  /**
   * @param wallClock the time in ms since 1970; the system's unless given
   * @param observe whether what no rule allows is let through, and reported
   */
  constructor(
    rules: readonly NameRule[],
    private readonly refusals: NameRefusals,
    private readonly decisions: DecisionObserver | null = null,
    private readonly wallClock: () => number = Date.now,
    private readonly observe: boolean = false,
  ) {
    this.rules = new NameRules(rules, wallClock);
  }

  /** The number of rules. */
  get size(): number {
    return this.rules.size;
  }

  /** Replaces the rules. */
  replace(rules: readonly NameRule[]): void {
    this.rules = new NameRules(rules, this.wallClock);
    this.generation++;
    this.decisions?.replaced(this.generation, this.rules.size);
  }

  /**
   * Decides about a flow that the guest wants, to an address that stands for these names, at least one. If rules allow
   * several of them, the one counts whose rule asks for least; a flow may show any of those whose rules ask for the same.
   * Returns null if none is allowed, which is reported.
   */
  decide<Entry extends { readonly name: string }>(
    network: RangeNetwork,
    entries: readonly Entry[],
    port: number,
    from: Attempt,
  ): Decided<Entry> | null {
    let best: Decided<Entry> | null = null, refusal: NameRefusal = "no_rule";
    const others: string[] = [];
    for (const entry of entries) {
      const verdict = this.rules.decide(network, entry.name, port);
      if (!verdict.allowed) {
        if (verdict.reason === "denied") refusal = verdict.reason;
        continue;
      }
      const decided = { ...verdict, entry }, more = best === null ? -1 : easeOf(decided) - easeOf(best);
      if (more > 0) continue;
      if (more < 0) others.length = 0;
      if (more === 0 && isSameDemand(decided, best)) others.push(entry.name);
      if (more < 0) best = decided;
    }
    if (best === null) return this.observed(network, entries[0], port, refusal, from);
    if (others.length > 0 && best.demand !== null) best = { ...best, demand: { ...best.demand, others } };
    return best;
  }

  /** Lets through what no rule allows, if that is asked for; otherwise reports the refusal. */
  private observed<Entry extends { readonly name: string }>(
    network: RangeNetwork,
    entry: Entry,
    port: number,
    reason: NameRefusal,
    from: Attempt,
  ): Decided<Entry> | null {
    const { name } = entry;
    if (this.observe && reason === "no_rule") {
      this.refusals.passed(network, name, port);
      return { ...observed(network, name, port), entry };
    }
    this.refused(network, name, port, reason, from);
    return null;
  }

  /** Whether a flow that has met a demand is still allowed, by a rule that demands no more. */
  stillAllows(network: RangeNetwork, name: string, port: number, met: NameDemand | null): boolean {
    return [name, ...met?.others ?? []].some((one) => this.allowsAgain(network, one, port, met));
  }

  private allowsAgain(network: RangeNetwork, name: string, port: number, met: NameDemand | null): boolean {
    const verdict = this.rules.decide(network, name, port);
    if (!verdict.allowed) return this.observe && verdict.reason === "no_rule";
    const { demand } = verdict;
    if (demand === null) return true;
    if (met === null || (met.ech && !demand.ech)) return false;
    return demand.shows === "any" || demand.shows === met.shows;
  }

  /** Decides about a question. */
  question(name: string): QuestionVerdict {
    const verdict = this.rules.question(name);
    if (verdict.allowed || !this.observe || verdict.reason !== "no_rule") return verdict;
    return { allowed: true, byWildcard: false, types: Object.values(RECORD_TYPES) };
  }

  /** The ports that the rules open for a name. */
  ports(name: string): readonly { readonly network: RangeNetwork; readonly port: number }[] {
    return this.rules.ports(name);
  }

  /** A flow was refused by its addresses. */
  refused(network: RangeNetwork, name: string, port: number, reason: RefusalReason, from: Attempt): void {
    this.refusals.refused(network, name, port, reason);
    this.decisions?.refusedFlow({ network, ...from, name, reason });
  }

  /** A flow was refused by what it has shown. */
  refusedFlow(network: RangeNetwork, name: string, port: number, reason: RefusalReason, shown: Shown | null): void {
    this.refusals.refused(network, name, port, reason, shown?.name);
  }

  /** A question was refused. */
  refusedQuestion(name: string | null, reason: RefusalReason): void {
    this.refusals.refused("dns", name, 0, reason);
  }

  /** A flow to an own address that stands for no name. */
  refusedAddress(network: RangeNetwork, to: Endpoint, guest: Endpoint): void {
    this.refusals.refused(network, formatEndpoint(to), to.port, "stale_address");
    this.decisions?.refusedFlow({ network, guest, to, name: null, reason: "stale_address" });
  }
}

/** The easier a demand is met, the less. */
function easeOf({ demand }: Pick<Allowed, "demand">): number {
  return EASE[demand?.shows ?? "raw"];
}

function isSameDemand({ demand }: Allowed, best: Allowed | null): boolean {
  return demand?.shows === best?.demand?.shows && demand?.ech === best?.demand?.ech;
}
const HTTPS_PORT = 443;

/** The verdict about a flow that no rule allows, where it is let through: it is only looked at. */
function observed(network: RangeNetwork, name: string, port: number): Extract<NameVerdict, { allowed: true }> {
  const rule = OBSERVED;
  if (network === "tcp") return { allowed: true, rule, demand: { name, shows: "any", rule: rule.text, ech: true } };
  const demand = port === HTTPS_PORT ? { name, shows: "quic", rule: rule.text, ech: true } as const : null;
  return { allowed: true, rule, demand };
}

/** Stands for a rule in the verdicts of `-observe`. */
const OBSERVED = { text: "-observe" } as const;
