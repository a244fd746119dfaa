/**
 * The audit: a line for each flow and each decision.
 *
 *     flow       opened [→ shows its name] → open ... → end | revoked
 *                                          → deny
 *     attempt    deny
 *     question   dns | deny
 *
 * Every flow has its lines. Of questions and refusals, at most {@linkcode MAX_DECISIONS} a second are written, so that a
 * guest can't fill the disk with refused attempts. The others are counted, and the count is a line.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../stack/base/address.ts";
import { TYPE_NAMES } from "../policy/names/record_types.ts";
import type { RefusalReason } from "../policy/names/reasons.ts";
import type { AskedQuestion, DecisionObserver, RefusedFlow } from "../report/decisions.ts";
import type { LineNetwork } from "../report/contract_lines.ts";
import type { EndReport } from "../report/end_report.ts";
import type { NamedFlow, Traffic } from "../report/flow_observers.ts";
import type { FlowVerdict, Shown } from "../report/verdicts.ts";
import { type AuditLine, type FlowFacts, shownEndpoint } from "./audit_line.ts";
import type { AuditWriter } from "./audit_writer.ts";
import { flowId } from "./flow_ids.ts";

/** The most lines about questions and refusals in a second. */
export const MAX_DECISIONS = 1_000;

/** The options of an {@linkcode Audit}. */
export interface AuditOptions {
  readonly writer: AuditWriter;
  /** The time by the wall clock, in ms since 1970. */
  readonly now: () => number;
}

/** A flow that is open. */
interface OpenFlow {
  readonly facts: FlowFacts;
  readonly since: number;
  readonly traffic: Traffic | null;
  /** Whether it waits for its verdict, has passed, or was refused. */
  state: "held" | "passed" | "refused";
  shown: Shown | null;
}

/** The audit of one run. */
export class Audit implements DecisionObserver {
  private readonly flows = new Map<string, OpenFlow>();
  /** The flows that were opened by a name, by network, guest and the name's address. */
  private readonly named = new Map<string, OpenFlow>();
  private generation = 1;
  /** The second in which decisions are counted, their number, and those left out. */
  private second = 0;
  private decisions = 0;
  private skipped = 0;

  constructor(private readonly options: AuditOptions) {}

  mayOpen(): boolean {
    return this.options.writer.isWritable;
  }

  // ---- flows ----

  /** A flow is open. `key` must be the same at its end. */
  opened(
    key: string,
    facts: Omit<FlowFacts, "flow" | "generation" | "name" | "port" | "own" | "rule">,
    to: Endpoint,
    traffic: Traffic | null,
    named: NamedFlow | null,
  ): void {
    const now = this.options.now();
    const { name, own, rule } = named ?? { name: null, own: null, rule: null };
    const flow: OpenFlow = {
      facts: {
        ...{ flow: flowId(now), generation: this.generation, ...facts },
        ...{ name, port: to.port, own: own === null ? null : own.address.toString(), rule },
      },
      since: now,
      traffic,
      state: named !== null && named.isHeld ? "held" : "passed",
      shown: null,
    };
    this.flows.set(key, flow);
    if (named !== null) this.named.set(`${facts.network} ${facts.guest} ${formatEndpoint(named.own)}`, flow);
    if (flow.state === "passed") this.writeOpen(flow);
  }

  /** The first bytes of a flow were judged. */
  judged(network: LineNetwork, guest: Endpoint, named: NamedFlow, { refusal, shown }: FlowVerdict): void {
    const flow = this.named.get(`${network} ${formatEndpoint(guest)} ${formatEndpoint(named.own)}`);
    if (flow === undefined) return;
    flow.shown = shown ?? flow.shown;
    if (refusal === null) {
      if (flow.state !== "held") return;
      flow.state = "passed";
      return this.writeOpen(flow);
    }
    flow.state = "refused";
    const { flow: id, name, rule } = flow.facts, to = formatEndpoint(named.own);
    const line = { flow: id, network, guest: flow.facts.guest, name, to, shown, reason: refusal, rule };
    this.decision({ ...this.head("deny"), ...line });
  }

  /** A flow is over. */
  ended(key: string, named: NamedFlow | null, report: EndReport): void {
    const flow = this.flows.get(key);
    if (flow === undefined) return;
    this.flows.delete(key);
    if (named !== null) this.named.delete(`${flow.facts.network} ${flow.facts.guest} ${formatEndpoint(named.own)}`);
    const { facts, traffic, shown, since, state } = flow, { outcome, isRevoked } = report;
    const ms = Math.max(0, Math.round(this.options.now() - since));
    const bytes = { bytes_out: traffic?.sentBytes ?? null, bytes_in: traffic?.answeredBytes ?? null };
    const kind = isRevoked && state === "passed" ? "revoked" : "end";
    this.write({ ...this.head(kind), ...facts, shown, ...bytes, ms, outcome });
  }

  // ---- decisions ----

  answered({ guest, name, type }: AskedQuestion): void {
    this.decision({ ...this.head("dns"), guest: shownEndpoint(guest), name, type: typeName(type) });
  }

  refusedQuestion({ guest, name, type }: AskedQuestion, reason: RefusalReason): void {
    const line = {
      network: "dns",
      guest: shownEndpoint(guest),
      name,
      type: typeName(type),
      reason,
      rule: null,
    } as const;
    this.decision({ ...this.head("deny"), ...line });
  }

  refusedFlow({ network, guest, to, name, reason }: RefusedFlow): void {
    const ends = network === "icmp"
      ? { guest: guest.address.toString(), to: to.address.toString() }
      : { guest: formatEndpoint(guest), to: formatEndpoint(to) };
    this.decision({ ...this.head("deny"), network, ...ends, name, reason, rule: null });
  }

  replaced(generation: number, rules: number): void {
    this.generation = generation;
    this.write({ ...this.head("policy"), generation, rules });
  }

  /** Writes the number of lines that were left out so far. */
  close(): void {
    this.writeSkipped();
    this.options.writer.flush();
  }

  private writeOpen({ facts, shown }: OpenFlow): void {
    this.write({ ...this.head("open"), ...facts, shown });
  }

  private decision(line: AuditLine): void {
    const second = Math.floor(this.options.now() / 1_000);
    if (second !== this.second) {
      this.second = second;
      this.decisions = 0;
      this.writeSkipped();
    }
    if (++this.decisions > MAX_DECISIONS || !this.options.writer.isWritable) this.skipped++;
    else this.write(line);
  }

  private writeSkipped(): void {
    const count = this.skipped;
    this.skipped = 0;
    if (count > 0) this.write({ ...this.head("skipped"), count });
  }

  private head<Kind extends AuditLine["kind"]>(kind: Kind) {
    return { time: new Date(this.options.now()).toISOString(), kind };
  }

  private write(line: AuditLine): void {
    this.options.writer.line(JSON.stringify(line));
  }
}

/** `A`, or `TYPE65` (RFC 3597, section 5) for types that rules have no word for. */
function typeName(type: number): string {
  return TYPE_NAMES.get(type) ?? `TYPE${type}`;
}
