/**
 * The records of the program's log that are about traffic: refusals by the policy, flows that end for lack of resources,
 * and limits that are reached.
 *
 * @module
 */
import { type Endpoint, formatEndpoint, type IpAddress } from "../../stack/base/address.ts";
import { EndReport } from "../report/end_report.ts";
import type {
  FlowObserver,
  FlowObservers,
  LocalForwardObserver,
  RemoteForwardObservers,
} from "../report/flow_observers.ts";
import type { LineNetwork } from "../report/contract_lines.ts";
import type { LimitFigures } from "../metrics/source.ts";
import type { RefusingRule } from "../policy/policy.ts";
import type { PolicyNetwork } from "../policy/range.ts";
import type { ProgramLog } from "./program_log.ts";

/** Logs a refusal by the policy. The caller bounds how often (policy/refusals.ts). `port`: 0 for ICMP. */
export function logRefusal(
  log: ProgramLog,
  network: PolicyNetwork,
  address: IpAddress,
  port: number,
  rule: RefusingRule,
): void {
  const to = network === "icmp" ? `${address}` : formatEndpoint({ address, port });
  log.info("refused by the policy", () => ({ network, to, rule }));
}

/** Logs that further refusals are not logged for an hour. */
export function logRefusalsUnsaid(log: ProgramLog): void {
  log.info("further refusals are left out for an hour");
}

/** Wraps observers so that flows are also written to the program's log. */
export function loggedObservers(observers: FlowObservers, log: ProgramLog): FlowObservers {
  const remote = (network: LineNetwork, observers: RemoteForwardObservers): RemoteForwardObservers => (destination) => {
    const own = observers(destination), kind = "remote-fwd";
    return {
      ...flowObserver(kind, network, own, log),
      unresolved: (guest, target, reason) => {
        own.unresolved(guest, target, reason);
        log.warning("name not resolved", () => ({ kind, guest: formatEndpoint(guest), target, reason }));
      },
    };
  };
  return {
    routedTcp: flowObserver("routed", "tcp", observers.routedTcp, log),
    routedUdp: flowObserver("routed", "udp", observers.routedUdp, log),
    remoteTcp: remote("tcp", observers.remoteTcp),
    remoteUdp: remote("udp", observers.remoteUdp),
    local: localForwardObserver(observers.local, log),
  };
}

function flowObserver(kind: string, network: LineNetwork, inner: FlowObserver, log: ProgramLog): FlowObserver {
  const facts = (guest: Endpoint, to: Endpoint) => ({
    kind,
    network,
    guest: formatEndpoint(guest),
    to: formatEndpoint(to),
  });
  return {
    opened: (guest, hostLocal, hostRemote, traffic) => {
      inner.opened(guest, hostLocal, hostRemote, traffic);
      log.debug("flow open", () => facts(guest, hostRemote));
    },
    done: (guest, hostLocal, hostRemote, ends) => {
      inner.done(guest, hostLocal, hostRemote, ends);
      ended("flow over", ends, () => facts(guest, hostRemote), log);
    },
    failed: (guest, destination, ends) => {
      inner.failed(guest, destination, ends);
      ended("flow failed", ends, () => facts(guest, destination), log);
    },
  };
}

function localForwardObserver(inner: LocalForwardObserver, log: ProgramLog): LocalForwardObserver {
  const kind = "local-fwd";
  return {
    opened: (ends, traffic) => {
      inner.opened(ends, traffic);
      log.debug("flow open", () => ({ kind, network: ends.network, client: formatEndpoint(ends.client) }));
    },
    done: (ends, report) => {
      inner.done(ends, report);
      ended("flow over", report, () => ({ kind, network: ends.network, client: formatEndpoint(ends.client) }), log);
    },
    failed: (ends, target, reason) => {
      inner.failed(ends, target, reason);
      const facts = () => ({ kind, network: ends.network, client: formatEndpoint(ends.client), target });
      if (reason instanceof EndReport) ended("flow failed", reason, facts, log);
      else log.warning("flow failed", () => ({ ...facts(), outcome: reason.outcome, reason: reason.text }));
    },
  };
}

/** Logs the end of a flow: as a warning where a limit or a lack of resources ended it, else for debugging. */
function ended(event: string, ends: EndReport, facts: () => Record<string, string>, log: ProgramLog): void {
  const { outcome } = ends;
  const level = outcome === "evicted" || outcome === "resources" ? "warning" : "debug";
  log[level](event, () => ({ ...facts(), outcome, ends: ends.toString() }));
}

/** How often the limits are checked, in ms. */
export const LIMITS_INTERVAL_MS = 1_000;

/** Logs each limit that was reached since the last check. */
export class LimitWatch {
  private readonly seen = new Map<string, number>();

  constructor(private readonly limits: () => readonly LimitFigures[], private readonly log: ProgramLog) {}

  /** Checks all limits now. */
  look(): void {
    for (const { resource, current, limit, overflows } of this.limits()) {
      const more = overflows - (this.seen.get(resource) ?? 0);
      this.seen.set(resource, overflows);
      if (more > 0) this.log.warning("limit reached", { resource, limit, current, overflows: more });
    }
  }
}
