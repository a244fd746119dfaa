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
  Traffic,
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
export function loggedLogs(logs: FlowObservers, log: ProgramLog): FlowObservers {
  const remote = (network: LineNetwork, logs: RemoteForwardObservers): RemoteForwardObservers => (destination) => {
    const own = logs(destination), kind = "remote-fwd";
    return {
      ...flowLog(kind, network, own, log),
      unresolved: (guest, target, reason) => {
        own.unresolved(guest, target, reason);
        log.warning("name not resolved", () => ({ kind, guest: formatEndpoint(guest), target, reason }));
      },
    };
  };
  return {
    routedTcp: flowLog("routed", "tcp", logs.routedTcp, log),
    routedUdp: flowLog("routed", "udp", logs.routedUdp, log),
    remoteTcp: remote("tcp", logs.remoteTcp),
    remoteUdp: remote("udp", logs.remoteUdp),
    local: localLog(logs.local, log),
  };
}

function flowLog(kind: string, network: LineNetwork, inner: FlowObserver, log: ProgramLog): FlowObserver {
  const facts = (guest: Endpoint, to: Endpoint) => ({
    kind,
    network,
    guest: formatEndpoint(guest),
    to: formatEndpoint(to),
  });
  return {
    opened: (guest: Endpoint, local: Endpoint, remote: Endpoint, traffic?: Traffic) => {
      inner.opened(guest, local, remote, traffic);
      log.debug("flow open", () => facts(guest, remote));
    },
    done: (guest, local, remote, ends) => {
      inner.done(guest, local, remote, ends);
      ended("flow over", ends, () => facts(guest, remote), log);
    },
    failed: (guest, destination, ends) => {
      inner.failed(guest, destination, ends);
      ended("flow failed", ends, () => facts(guest, destination), log);
    },
  };
}

function localLog(inner: LocalForwardObserver, log: ProgramLog): LocalForwardObserver {
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
