/**
 * Egress by name: rules about names decide what the guest may reach. Each name has an address of its own in the guest, or
 * its real ones (naming.ts).
 *
 *     question → dns/gate.ts: rule? → the host's name servers → own address
 *     SYN      → named_tcp.ts: own address → name → rule? → name_targets.ts → dial
 *     datagram → named_udp.ts: the same
 *
 * This module is loaded only where there are such rules.
 *
 * @module
 */
import type { Endpoint, IpVersion } from "../../stack/base/address.ts";
import type { TcpRequest } from "../../stack/tcp/flow.ts";
import type { Usage } from "../../stack/base/usage.ts";
import { DnsGate, QUESTION_REASONS } from "../dns/gate.ts";
import { HostAnswers } from "../dns/host_answers.ts";
import type { LocalNames } from "../names/local_names.ts";
import { NameRefusals, type NameRefused } from "../policy/names/name_refusals.ts";
import { RealAddresses } from "../policy/names/real_addresses.ts";
import { OwnAddresses } from "../policy/names/own_addresses.ts";
import { nextEnd, rangesOf, type RuleList } from "../policy/names/rule_list.ts";
import { TargetJudge } from "../policy/names/target_judge.ts";
import type { Policy } from "../policy/policy.ts";
import type { Range, RangeNetwork } from "../policy/range.ts";
import type { DecisionObserver } from "../report/decisions.ts";
import type { FlowObserver, FlowObservers } from "../report/flow_observers.ts";
import type { OutgoingFlows } from "../tcp/outgoing.ts";
import type { Associations, GuestDatagram } from "../udp/associations.ts";
import { FlowGate } from "../gate/gate.ts";
import type { Scheduler } from "../timers/scheduler.ts";
import { HeldBytes } from "../gate/held_bytes.ts";
import type { Limits } from "../limits/limits.ts";
import { EgressRules } from "./egress_rules.ts";
import { LearnedRules, learningObservers } from "./learn/learned_rules.ts";
import { NameTargets } from "./name_targets.ts";
import { NamedTcpFlows, type NamedTcpOptions } from "./named_tcp.ts";
import { NamedUdp, type NamedUdpOptions } from "./named_udp.ts";
import { type Naming, OwnNaming, RealNaming } from "./naming.ts";
import { NewNames } from "./new_names.ts";

/** The options of an {@linkcode Egress}. */
export interface EgressOptions {
  readonly rules: RuleList;
  /** The ranges of `-allow` and `-deny`, beside those of the rules. */
  readonly allow: readonly Range[];
  readonly deny: readonly Range[];
  /** Decides by address; its ranges are set from here. */
  readonly policy: Policy;
  /** The names that the host itself defines. */
  readonly local: Pick<LocalNames, "has" | "addresses">;
  /** A clock in ms that doesn't go back. */
  readonly now: () => number;
  /** The wall clock in ms since 1970, for rules that end; the system's unless given. */
  readonly wallClock?: () => number;
  /** Which addresses stand for names in the guest. */
  readonly names: "own" | "real";
  /** The least time that an answer is cached, in ms. */
  readonly leastTtl: number;
  readonly limits: Pick<Limits, "names" | "newNames" | "dnsQuestions" | "heldBytes">;
  /** Whether what no rule allows is let through, and reported. */
  readonly observe?: boolean;
  /** Records each decision. Not given: there is no audit. */
  readonly decisions?: DecisionObserver | null;
  /** Called once for each refusal by name. */
  readonly refused: (refused: NameRefused) => void;
}

/** The parts of the guest's network that carry flows to names. */
export interface EgressParts {
  readonly tcp: Omit<NamedTcpOptions, "rules" | "naming" | "targets" | "gate" | "observer">;
  readonly udp: Omit<NamedUdpOptions, "rules" | "naming" | "targets" | "gate" | "observer">;
  readonly routed: { readonly outgoing: OutgoingFlows; readonly associations: Associations };
  readonly observers: { readonly routedTcp: FlowObserver; readonly routedUdp: FlowObserver };
}

/** The rules for names, with the name server and the flows that they govern. */
export class Egress {
  readonly rules: EgressRules;
  readonly refusals: NameRefusals;
  /** The addresses that stand for names in the guest. */
  readonly naming: Naming;
  readonly gate: DnsGate;
  private readonly targets: NameTargets;
  private readonly newNames: NewNames;
  private readonly held: HeldBytes;
  private traffic: EgressTraffic | null = null;
  private learned: LearnedRules | null = null;
  /** The rules as they are now. */
  current: RuleList;
  private scheduler: Scheduler | null = null;

  constructor(private readonly options: EgressOptions) {
    this.current = options.rules;
    const { rules: { names }, policy, local, now, leastTtl, limits, decisions = null } = options;
    this.refusals = new NameRefusals(options.refused);
    const rules = this.rules = new EgressRules(names, this.refusals, decisions, options.wallClock, options.observe);
    const naming = this.naming = options.names === "real"
      ? new RealNaming(new RealAddresses(limits.names), policy, now)
      : new OwnNaming(new OwnAddresses(limits.names));
    this.held = new HeldBytes(limits.heldBytes);
    const newNames = this.newNames = new NewNames(limits.newNames);
    const answers = new HostAnswers({
      ...{ local, now, leastTtl },
      limit: 2 * limits.names, // addresses of both versions
      maxWaiting: limits.dnsQuestions,
    });
    // a wildcard does not mean the names of the host's own, which may lead to its loopback
    const isNamed = (name: string) => {
      const verdict = rules.question(name);
      return verdict.allowed && !verdict.byWildcard;
    };
    const judge = new TargetJudge(policy, { has: (name) => local.has(name) && isNamed(name) });
    this.targets = new NameTargets(answers, judge);
    this.gate = new DnsGate({
      ...{ rules, answers, naming, newNames, now },
      mayUse: (name, address) => {
        const ports = rules.ports(name);
        if (ports.length === 0) return judge.refusal("tcp", name, address, 0) === null;
        return ports.some(({ network, port }) => judge.refusal(network, name, address, port) === null);
      },
      decisions: decisions ?? undefined,
      refused: (name, reason) => rules.refusedQuestion(name, QUESTION_REASONS[reason]),
    });
    this.setRanges();
  }

  /** Starts to learn. Returns a function that gives the rules: of all flows, or those that would have allowed the refusals. */
  learn(all: boolean): () => readonly string[] {
    if (!all) return () => this.refusals.rules;
    const learned = this.learned = new LearnedRules();
    return () => learned.sorted;
  }

  /** Wraps the observers of flows, if it learns from them. */
  watch(observers: FlowObservers): FlowObservers {
    return this.learned === null ? observers : learningObservers(observers, this.learned);
  }

  /** Starts to carry flows. */
  attach(parts: EgressParts): EgressTraffic {
    this.scheduler = parts.tcp.scheduler;
    this.awaitEnd();
    const { rules, naming, targets } = this;
    const gate = new FlowGate(parts.tcp.scheduler, this.held);
    const tcp = new NamedTcpFlows({ ...parts.tcp, rules, naming, targets, gate, observer: parts.observers.routedTcp });
    const udp = new NamedUdp({ ...parts.udp, rules, naming, targets, gate, observer: parts.observers.routedUdp });
    return this.traffic = new EgressTraffic(naming, tcp, udp, parts);
  }

  /** Replaces all rules at once, and ends the open flows that they refuse. */
  replace(rules: RuleList): void {
    this.current = rules;
    this.rules.replace(rules.names);
    this.setRanges();
    this.traffic?.judgeAgain(this.options.policy);
    this.awaitEnd();
  }

  /** The names that have an address, the new ones of this minute, and the bytes that wait for a verdict. */
  get usage(): Readonly<Record<"names" | "newNames" | "heldBytes", Usage>> {
    return { names: this.naming.usage, newNames: this.newNames.usage, heldBytes: this.held };
  }

  private setRanges(): void {
    const { current, options: { policy, allow, deny, wallClock = Date.now } } = this, now = wallClock();
    policy.replaceRanges([...allow, ...rangesOf(current, false, now)], [...deny, ...rangesOf(current, true, now)]);
  }

  /** Judges the open flows again when the next of the current rules ends. */
  private awaitEnd(): void {
    const { current, scheduler, options: { policy, wallClock = Date.now } } = this, now = wallClock();
    const end = nextEnd(current, now);
    if (end === null) return;
    scheduler?.after(Math.min(end - now, LONGEST_TIMER_MS), () => {
      if (this.current !== current) return; // the rules were replaced, and the new ones have a timer of their own
      this.setRanges();
      this.traffic?.judgeAgain(policy);
      this.awaitEnd();
    });
  }
}

/** The guest's flows to names. */
export class EgressTraffic {
  constructor(
    private readonly naming: Naming,
    private readonly tcp: NamedTcpFlows,
    private readonly udp: NamedUdp,
    private readonly parts: Pick<EgressParts, "routed" | "observers">,
  ) {}

  /** Whether flows to a port of the address at `offset` are flows to names. */
  takes(network: RangeNetwork, bytes: Uint8Array, offset: number, version: IpVersion, port: number): boolean {
    return this.naming.takes(network, bytes, offset, version, port);
  }

  /** Takes a guest's SYN to a name. */
  takeRequest(request: TcpRequest): void {
    this.tcp.request(request);
  }

  /** Takes a guest's datagram to a name. */
  takeDatagram(datagram: GuestDatagram): void {
    this.udp.takeDatagram(datagram);
  }

  /** The guest reports by ICMP that its port is closed. */
  guestUnreachable(local: Endpoint, guest: Endpoint): void {
    this.udp.guestUnreachable(local, guest);
  }

  /** Ends all open flows that are refused now, to names and to addresses. */
  judgeAgain(policy: Policy): void {
    const { routed: { outgoing, associations }, observers } = this.parts;
    this.tcp.judgeAgain();
    this.udp.judgeAgain();
    outgoing.abortWhere(observers.routedTcp, ({ address, port }) => !policy.verdict("tcp", address, port).allowed);
    associations.endWhere(({ address, port }) => !policy.verdict("udp", address, port).allowed);
  }
}

/** A day: timers can't be set for much longer (2 ** 31 ms), and the wall clock may be set meanwhile. */
const LONGEST_TIMER_MS = 24 * 60 * 60 * 1_000;
