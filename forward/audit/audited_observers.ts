/**
 * Flow observers that write to an {@linkcode Audit}, and pass each event on to another observer.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../stack/base/address.ts";
import type { LineNetwork } from "../report/contract_lines.ts";
import type {
  FlowObserver,
  FlowObservers,
  LocalForwardObserver,
  RemoteForwardObservers,
} from "../report/flow_observers.ts";
import type { Audit } from "./audit.ts";
import type { FlowFacts } from "./audit_line.ts";

/** Wraps all observers. */
export function auditedObservers(observers: FlowObservers, audit: Audit): FlowObservers {
  const remote = (network: LineNetwork, inner: RemoteForwardObservers): RemoteForwardObservers => (destination) => {
    const own = inner(destination);
    return { ...audited(own, audit, network, destination), unresolved: own.unresolved.bind(own) };
  };
  return {
    routedTcp: audited(observers.routedTcp, audit, "tcp", null),
    routedUdp: audited(observers.routedUdp, audit, "udp", null),
    remoteTcp: remote("tcp", observers.remoteTcp),
    remoteUdp: remote("udp", observers.remoteUdp),
    local: auditedLocal(observers.local, audit),
  };
}

/** @param forward the address and port of the remote forward that the flows go to; null: they are routed */
function audited(inner: FlowObserver, audit: Audit, network: LineNetwork, forward: Endpoint | null): FlowObserver {
  const way: FlowFacts["way"] = forward === null ? "routed" : "remote-fwd";
  const keyOf = (guest: Endpoint, local: Endpoint, remote: Endpoint) =>
    `${way} ${network} ${formatEndpoint(guest)} ${local.port} ${formatEndpoint(remote)} ${
      forward === null ? "" : formatEndpoint(forward)
    }`;
  return {
    opened: (guest, local, remote, traffic, named) => {
      const facts = { network, way, guest: formatEndpoint(guest), peer: formatEndpoint(remote) };
      const to = named?.own ?? forward ?? remote;
      audit.opened(keyOf(guest, local, remote), facts, to, traffic ?? null, named ?? null);
      inner.opened(guest, local, remote, traffic, named);
    },
    judged: (guest, named, verdict) => {
      audit.judged(network, guest, named, verdict);
      inner.judged?.(guest, named, verdict);
    },
    done: (guest, local, remote, ends, named) => {
      audit.ended(keyOf(guest, local, remote), named ?? null, ends);
      inner.done(guest, local, remote, ends, named);
    },
    failed: (guest, destination, ends) => inner.failed(guest, destination, ends),
  };
}

function auditedLocal(inner: LocalForwardObserver, audit: Audit): LocalForwardObserver {
  const keyOf = (network: LineNetwork, client: Endpoint, listener: Endpoint, local: Endpoint) =>
    `local ${network} ${formatEndpoint(client)} ${formatEndpoint(listener)} ${formatEndpoint(local)}`;
  return {
    opened: (ends, traffic) => {
      const { network, client, listener, guestLocal, target } = ends;
      const facts = { network, way: "local-fwd", guest: formatEndpoint(target), peer: formatEndpoint(client) } as const;
      audit.opened(keyOf(network, client, listener, guestLocal), facts, target, traffic ?? null, null);
      inner.opened(ends, traffic);
    },
    done: (ends, report) => {
      const { network, client, listener, guestLocal } = ends;
      audit.ended(keyOf(network, client, listener, guestLocal), null, report);
      inner.done(ends, report);
    },
    failed: (ends, target, reason) => inner.failed(ends, target, reason),
  };
}
