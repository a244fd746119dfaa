/**
 * The rules that would allow what a guest has used, learned from its flows.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../../stack/base/address.ts";
import type { LineNetwork } from "../../report/contract_lines.ts";
import type { FlowObserver, FlowObservers } from "../../report/flow_observers.ts";
import type { Shown } from "../../report/verdicts.ts";

/** Rules that are kept at most: a guest can connect to any number of names. */
export const MAX_LEARNED = 10_000;

/** The rules so far. */
export class LearnedRules {
  private readonly rules = new Set<string>();

  /** Adds one, if there is room. */
  add(rule: string): void {
    if (this.rules.size < MAX_LEARNED) this.rules.add(rule);
  }

  /** All of them, sorted by name, so that two files can be compared. */
  get sorted(): readonly string[] {
    return [...this.rules].toSorted((a, b) => compare(nameOf(a), nameOf(b)) || compare(a, b));
  }
}

/** The most exact rule for a flow to a name that has shown this; `shown` null: nothing. */
export function ruleFor(network: LineNetwork, name: string, port: number, shown: Shown | null): string {
  const by = shown === null ? network : shown.by;
  const usual = { tls: 443, quic: 443, http: 80, tcp: 0, udp: 0 }[by];
  const ech = shown?.ech === true ? "?ech=on" : "";
  if (port !== usual) return `${by}://${name}:${port}${ech}`;
  return `${by === "http" ? "http://" : ""}${name}${ech}`;
}

/** Wraps observers so that the guest's flows are learned. */
export function learningObservers(observers: FlowObservers, learned: LearnedRules): FlowObservers {
  return {
    ...observers,
    routedTcp: learning(observers.routedTcp, "tcp", learned),
    routedUdp: learning(observers.routedUdp, "udp", learned),
  };
}

function learning(inner: FlowObserver, network: LineNetwork, learned: LearnedRules): FlowObserver {
  return {
    opened: (guest, local, remote, traffic, named) => {
      if (named === undefined) learned.add(addressRule(network, remote));
      else if (!named.isHeld) learned.add(ruleFor(network, named.name, named.own.port, null));
      inner.opened(guest, local, remote, traffic, named);
    },
    judged: (guest, named, verdict) => {
      const { refusal, shown } = verdict;
      if (refusal === null) learned.add(ruleFor(network, named.name, named.own.port, shown));
      inner.judged?.(guest, named, verdict);
    },
    done: inner.done.bind(inner),
    failed: inner.failed.bind(inner),
  };
}

function addressRule(network: LineNetwork, remote: Endpoint): string {
  return `${network === "udp" ? "udp://" : ""}${formatEndpoint(remote)}`;
}

/** The rule without its kind. */
function nameOf(rule: string): string {
  return rule.replace(/^[a-z]+:\/\//, "");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
