/**
 * The guest's TCP connections to addresses that stand for names (naming.ts): each is a connection to the name.
 *
 *     SYN → name → rule → the name's addresses, judged → dial one after the other → SYN-ACK
 *
 * | event | answer to the guest |
 * | --- | --- |
 * | the address stands for no name any more | RST |
 * | no rule allows the name and port, or the name's addresses are refused | RST |
 * | the name has no address | ICMP host unreachable |
 * | an address can't be reached, or is silent for some seconds | none: the next is dialled; the guest gets the outcome of the last |
 * | the limit of lookups is reached | none for the oldest: its guest repeats the SYN |
 *
 * @module
 */
import type { Endpoint } from "../../stack/base/address.ts";
import type { TcpFlow, TcpHandler, TcpRequest } from "../../stack/tcp/flow.ts";
import type { NameDemand } from "../policy/names/demand.ts";
import type { FlowVerdict } from "../report/verdicts.ts";
import type { Gate, Guarding } from "../tcp/guard.ts";
import type { FlowObserver, NamedFlow } from "../report/flow_observers.ts";
import type { ConnectionCount } from "../tcp/connection_count.ts";
import type { Caller, OutgoingFlows, Revocable } from "../tcp/outgoing.ts";
import { Deadlines, type Expiring } from "../timers/deadlines.ts";
import type { Scheduler } from "../timers/scheduler.ts";
import { NAME_ATTEMPT_MS } from "../limits/timeouts.ts";
import type { Decided, EgressRules } from "./egress_rules.ts";
import type { NameTargets } from "./name_targets.ts";
import type { NameEntry, Naming } from "./naming.ts";

/** The options of {@linkcode NamedTcpFlows}. */
export interface NamedTcpOptions {
  readonly rules: EgressRules;
  readonly naming: Naming;
  readonly targets: NameTargets;
  readonly outgoing: OutgoingFlows;
  readonly connections: ConnectionCount;
  readonly scheduler: Scheduler;
  /** Guards connections that must show their name. */
  readonly gate: Gate;
  readonly observer: FlowObserver;
  /** The most flows that may wait for a lookup. */
  readonly maxLookups: number;
}

/** The guest's connections to names. */
export class NamedTcpFlows {
  /** For flows: the deadlines for an address to answer, while there are others. */
  readonly attempts: Deadlines<NamedTcpFlow>;
  private readonly flows = new Set<NamedTcpFlow>();
  /** The flows that wait for a lookup, the oldest first. */
  private readonly lookups = new Set<NamedTcpFlow>();

  constructor(readonly options: NamedTcpOptions) {
    this.attempts = new Deadlines(options.scheduler, NAME_ATTEMPT_MS);
  }

  /** The number of connections. */
  get size(): number {
    return this.flows.size;
  }

  /** Takes a guest's SYN to an address that stands for names. */
  request(request: TcpRequest): void {
    const { rules, naming, maxLookups } = this.options;
    const { address, port } = request.local;
    const entries = naming.at(address.bytes, 0, address.version);
    if (entries.length === 0) {
      rules.refusedAddress("tcp", request.local, request.guest);
      return request.refuse();
    }
    const from = { guest: request.guest, to: request.local };
    const verdict = rules.decide("tcp", entries, port, from);
    if (verdict === null) return request.refuse();
    if (request.hopLimit <= 1) return request.timeExceeded();
    if (this.lookups.size >= maxLookups) {
      const [oldest] = this.lookups;
      oldest?.giveWay();
    }
    const flow = new NamedTcpFlow(request, verdict, this);
    this.flows.add(flow);
    this.lookups.add(flow);
    naming.touch(verdict.entry);
    flow.start();
  }

  /** Ends the flows that the rules refuse now. */
  judgeAgain(): void {
    for (const flow of this.flows) if (!flow.isStillAllowed()) flow.revoke();
  }

  // for flows

  /** Its lookup is done. */
  lookedUp(flow: NamedTcpFlow): void {
    this.lookups.delete(flow);
  }

  /** It is over. */
  ended(flow: NamedTcpFlow): void {
    this.flows.delete(flow);
    this.lookups.delete(flow);
    this.attempts.delete(flow);
  }
}

/** The guest's side of one connection to a name, through all its dials. */
class NamedTcpFlow implements Caller, Expiring {
  cancelled: (() => void) | null = null;
  private rest: Endpoint[] = [];
  /** Counts dials: only the last one's failure is reported. */
  private dials = 0;
  private dialled: Revocable | null = null;
  private isAccepted = false;
  private over = false;
  private readonly entry: NameEntry;
  private readonly demand: NameDemand | null;
  private readonly named: NamedFlow;

  constructor(
    private readonly request: TcpRequest,
    { entry, demand, rule }: Decided<NameEntry>,
    private readonly owner: NamedTcpFlows,
  ) {
    this.entry = entry;
    entry.flows++;
    this.demand = demand;
    this.named = { name: entry.name, own: request.local, rule: rule.text, isHeld: demand !== null };
  }

  get guest(): Endpoint {
    return this.request.guest;
  }

  get hopLimit(): number {
    return this.request.hopLimit;
  }

  start(): void {
    const { request, entry, owner } = this;
    const { local } = request, { rules } = owner.options;
    request.cancelled = () => {
      this.cancelled?.();
      this.finish();
    };
    owner.options.targets.find("tcp", entry, local.port, local.address.version, (found) => {
      owner.lookedUp(this);
      if (this.over) return;
      if (found.kind === "targets") {
        this.rest = [...found.targets];
        return this.dialNext();
      }
      this.finish();
      if (found.kind === "none") return request.unreachable("host");
      rules.refused("tcp", entry.name, local.port, found.reason, { guest: request.guest, to: local });
      request.refuse();
    });
  }

  /** Too many wait for lookups. */
  giveWay(): void {
    this.finish();
    this.request.drop();
  }

  isStillAllowed(): boolean {
    return this.owner.options.rules.stillAllows("tcp", this.entry.name, this.request.local.port, this.demand);
  }

  /** New rules refuse it: resets both sides. */
  revoke(): void {
    if (this.over) return;
    if (this.isAccepted) return this.dialled?.revoke();
    this.cancelled?.();
    this.finish();
    this.request.refuse();
  }

  /** An address is silent, and there are others. */
  expire(): void {
    const { cancelled } = this;
    this.dials++; // what the dial reports is not the end
    cancelled?.();
    this.dialNext();
  }

  // what the dial says to the guest

  accept(handler: TcpHandler): TcpFlow | null {
    this.owner.attempts.delete(this);
    this.isAccepted = true;
    return this.request.accept(handler);
  }

  refuse(): void {
    this.failed(() => this.request.refuse());
  }

  unreachable(what: Parameters<TcpRequest["unreachable"]>[0]): void {
    this.failed(() => this.request.unreachable(what));
  }

  relay(...report: Parameters<TcpRequest["relay"]>): void {
    this.failed(() => this.request.relay(...report));
  }

  drop(): void {
    this.finish();
    this.request.drop();
  }

  private dialNext(): void {
    const { owner } = this, { outgoing, connections } = owner.options;
    const next = this.rest.shift();
    if (next === undefined || !connections.take()) {
      this.finish();
      return this.request.refuse();
    }
    this.cancelled = null;
    if (this.rest.length > 0) owner.attempts.add(this);
    this.dialled = outgoing.dial(this, next, this.observerOf(++this.dials), this.guarding());
  }

  private guarding(): Guarding | null {
    const { demand, entry, request, owner } = this;
    if (demand === null) return null;
    const rawRule = `tcp://${entry.name}:${request.local.port}`;
    return { gate: owner.options.gate, demand, rawRule, judged: (verdict) => this.judged(verdict) };
  }

  /** The flow's first bytes were judged. */
  private judged(verdict: FlowVerdict): void {
    const { entry, request, named, owner: { options: { rules, observer } } } = this;
    const { refusal, shown } = verdict;
    observer.judged?.(request.guest, named, verdict);
    if (refusal !== null) rules.refusedFlow("tcp", entry.name, request.local.port, refusal, shown);
  }

  private failed(answer: () => void): void {
    this.owner.attempts.delete(this);
    if (this.rest.length > 0 && !this.over) return this.dialNext();
    this.finish();
    answer();
  }

  /** The observer of the flow, for one of its dials. */
  private observerOf(dial: number): FlowObserver {
    const { observer } = this.owner.options;
    return {
      opened: (guest, local, remote, traffic) => observer.opened(guest, local, remote, traffic, this.named),
      done: (guest, local, remote, ends) => {
        this.finish();
        observer.done(guest, local, remote, ends, this.named);
      },
      failed: (...flow) => {
        if (dial !== this.dials) return;
        this.finish();
        observer.failed(...flow);
      },
    };
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    this.entry.flows--;
    this.owner.ended(this);
  }
}
