/**
 * What of the traffic the program's log has: the policy's refusals, flows that end for want of resources, limits that
 * are reached. Each stands between one part of the program and another, and only where there is a log.
 *
 * @module
 */
import { type Endpoint, formatEndpoint, type IpAddress } from "../../stack/base/address.ts";
import { EndReport } from "../report/end_report.ts";
import type { FlowLog, Traffic } from "../report/routed_report.ts";
import type { LocalForwardLog, RemoteForwardLogs } from "../report/forward_report.ts";
import type { LineNetwork } from "../report/contract_lines.ts";
import type { Logs } from "../report/reporters.ts";
import type { LimitFigures } from "../metrics/source.ts";
import type { Policy } from "../policy/policy.ts";
import type { PolicyNetwork } from "../policy/range.ts";
import type { ProgramLog } from "./program_log.ts";

/** A policy whose refusals are logged. */
export function loggedPolicy(
  policy: Pick<Policy, "decide" | "verdict">,
  log: ProgramLog,
): Pick<Policy, "decide" | "verdict"> {
  return {
    decide: (network: PolicyNetwork, address: IpAddress, port: number) => {
      const verdict = policy.decide(network, address, port);
      if (!verdict.allowed) {
        log.info(
          "refused by the policy",
          () => ({ network, to: formatEndpoint({ address, port }), rule: verdict.rule }),
        );
      }
      return verdict;
    },
    verdict: (network, address, port) => policy.verdict(network, address, port),
  };
}

/** Logs that tell the program's log, and then others. */
export function loggedLogs(logs: Logs, log: ProgramLog): Logs {
  const remote = (network: LineNetwork, logs: RemoteForwardLogs): RemoteForwardLogs => (destination) => {
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

function flowLog(kind: string, network: LineNetwork, inner: FlowLog, log: ProgramLog): FlowLog {
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

function localLog(inner: LocalForwardLog, log: ProgramLog): LocalForwardLog {
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

/** Evictions and exhausted resources are for the people who run the program; the rest is for those who look closely. */
function ended(event: string, ends: EndReport, facts: () => Record<string, string>, log: ProgramLog): void {
  const { outcome } = ends;
  const level = outcome === "evicted" || outcome === "resources" ? "warning" : "debug";
  log[level](event, () => ({ ...facts(), outcome, ends: ends.toString() }));
}

/** How often the limits are looked at, in ms. */
export const LIMITS_INTERVAL_MS = 1_000;

/** Logs the limits that were not enough since the last look. */
export class LimitWatch {
  private readonly seen = new Map<string, number>();

  constructor(private readonly limits: () => readonly LimitFigures[], private readonly log: ProgramLog) {}

  /** Looks at them now. */
  look(): void {
    for (const { resource, current, limit, overflows } of this.limits()) {
      const more = overflows - (this.seen.get(resource) ?? 0);
      this.seen.set(resource, overflows);
      if (more > 0) this.log.warning("limit reached", { resource, limit, current, overflows: more });
    }
  }
}
