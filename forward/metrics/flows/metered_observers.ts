/**
 * Flow observers that count in a {@linkcode FlowMeter} and pass each event on to another observer, so each event is counted
 * exactly once. The forwarding code knows the observer interfaces only.
 *
 * @module
 */
import type { Endpoint } from "../../../stack/base/address.ts";
import type {
  FlowObserver,
  FlowObservers,
  LocalForwardObserver,
  NamedFlow,
  RemoteForwardObservers,
} from "../../report/flow_observers.ts";
import type { LineNetwork, LocalForwardEnds } from "../../report/contract_lines.ts";
import type { NameTable } from "../names/name_table.ts";
import { type FlowEnds, type FlowKind, FlowMeter } from "./flow_meter.ts";

/** Wraps all observers. Returns them with the meters that they count in. `names`: counts by name as well. */
export function meteredObservers(
  observers: FlowObservers,
  names: NameTable | null = null,
): { readonly observers: FlowObservers; readonly meters: readonly FlowMeter[] } {
  const pair = (kind: FlowKind) => [new FlowMeter(kind, "tcp", names), new FlowMeter(kind, "udp", names)] as const;
  const [routedTcp, routedUdp] = pair("routed");
  const [localTcp, localUdp] = pair("local-fwd");
  const [remoteTcp, remoteUdp] = pair("remote-fwd");
  return {
    observers: {
      routedTcp: meteredFlowObserver(observers.routedTcp, routedTcp),
      routedUdp: meteredFlowObserver(observers.routedUdp, routedUdp),
      remoteTcp: meteredRemoteObservers(observers.remoteTcp, remoteTcp),
      remoteUdp: meteredRemoteObservers(observers.remoteUdp, remoteUdp),
      local: meteredLocalObserver(observers.local, { tcp: localTcp, udp: localUdp }),
    },
    meters: [routedTcp, routedUdp, localTcp, localUdp, remoteTcp, remoteUdp],
  };
}

/** For flows under the policy: the guest's destination is the address that the host connects to. */
export function meteredFlowObserver(observer: FlowObserver, meter: FlowMeter): FlowObserver {
  return metered(observer, meter, null);
}

/** For flows of the guest to remote forwards. */
export function meteredRemoteObservers(observers: RemoteForwardObservers, meter: FlowMeter): RemoteForwardObservers {
  return (destination) => {
    const observer = observers(destination);
    return {
      ...metered(observer, meter, destination),
      unresolved: (guest, target, reason) => {
        meter.failed("unresolved");
        observer.unresolved(guest, target, reason);
      },
    };
  };
}

/** For clients of local forwards, each network with its meter. */
export function meteredLocalObserver(
  observer: LocalForwardObserver,
  meters: Readonly<Record<LineNetwork, FlowMeter>>,
): LocalForwardObserver {
  return {
    opened: (ends, traffic) => {
      meters[ends.network].opened(endsOf(ends), traffic);
      observer.opened(ends);
    },
    done: (ends, report) => {
      meters[ends.network].done(endsOf(ends), report.outcome);
      observer.done(ends, report);
    },
    failed: (ends, target, reason) => {
      meters[ends.network].failed(reason.outcome);
      observer.failed(ends, target, reason);
    },
  };
}

/** @param destination the address that the guest connected to; null: the same that the host connects to */
function metered(observer: FlowObserver, meter: FlowMeter, destination: Endpoint | null): FlowObserver {
  const ends = (guest: Endpoint, host: Endpoint, hostPeer: Endpoint, named?: NamedFlow): FlowEnds => ({
    guest,
    guestPeer: named?.own ?? destination ?? hostPeer,
    host,
    hostPeer,
    named,
  });
  return {
    opened: (guest, hostLocal, hostRemote, traffic, named) => {
      meter.opened(ends(guest, hostLocal, hostRemote, named), traffic);
      observer.opened(guest, hostLocal, hostRemote);
    },
    judged: (guest, named, verdict) => {
      meter.judged(named, verdict);
      observer.judged?.(guest, named, verdict);
    },
    done: (guest, hostLocal, hostRemote, report, named) => {
      meter.done(ends(guest, hostLocal, hostRemote, named), report.outcome);
      observer.done(guest, hostLocal, hostRemote, report);
    },
    failed: (guest, target, report) => {
      meter.failed(report.outcome);
      observer.failed(guest, target, report);
    },
  };
}

function endsOf({ client, listener, guestLocal, target }: LocalForwardEnds): FlowEnds {
  return { guest: target, guestPeer: guestLocal, host: listener, hostPeer: client };
}
