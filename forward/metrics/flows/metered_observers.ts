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
  RemoteForwardObservers,
} from "../../report/flow_observers.ts";
import type { LineNetwork, LocalForwardEnds } from "../../report/contract_lines.ts";
import { type FlowEnds, FlowMeter } from "./flow_meter.ts";

/** Wraps all observers. Returns them with the meters that they count in. */
export function meteredLogs(
  logs: FlowObservers,
): { readonly logs: FlowObservers; readonly meters: readonly FlowMeter[] } {
  const routedTcp = new FlowMeter("routed", "tcp"), routedUdp = new FlowMeter("routed", "udp");
  const localTcp = new FlowMeter("local-fwd", "tcp"), localUdp = new FlowMeter("local-fwd", "udp");
  const remoteTcp = new FlowMeter("remote-fwd", "tcp"), remoteUdp = new FlowMeter("remote-fwd", "udp");
  return {
    logs: {
      routedTcp: meteredFlowLog(logs.routedTcp, routedTcp),
      routedUdp: meteredFlowLog(logs.routedUdp, routedUdp),
      remoteTcp: meteredRemoteLogs(logs.remoteTcp, remoteTcp),
      remoteUdp: meteredRemoteLogs(logs.remoteUdp, remoteUdp),
      local: meteredLocalLog(logs.local, { tcp: localTcp, udp: localUdp }),
    },
    meters: [routedTcp, routedUdp, localTcp, localUdp, remoteTcp, remoteUdp],
  };
}

/** For flows under the policy: the guest's destination is the address that the host connects to. */
export function meteredFlowLog(log: FlowObserver, meter: FlowMeter): FlowObserver {
  return metered(log, meter, null);
}

/** For flows of the guest to remote forwards. */
export function meteredRemoteLogs(logs: RemoteForwardObservers, meter: FlowMeter): RemoteForwardObservers {
  return (destination) => {
    const log = logs(destination);
    return {
      ...metered(log, meter, destination),
      unresolved: (guest, target, reason) => {
        meter.failed("unresolved");
        log.unresolved(guest, target, reason);
      },
    };
  };
}

/** For clients of local forwards, each network with its meter. */
export function meteredLocalLog(
  log: LocalForwardObserver,
  meters: Readonly<Record<LineNetwork, FlowMeter>>,
): LocalForwardObserver {
  return {
    opened: (ends, traffic) => {
      meters[ends.network].opened(endsOf(ends), traffic);
      log.opened(ends);
    },
    done: (ends, report) => {
      meters[ends.network].done(endsOf(ends), report.outcome);
      log.done(ends, report);
    },
    failed: (ends, target, reason) => {
      meters[ends.network].failed(reason.outcome);
      log.failed(ends, target, reason);
    },
  };
}

/** @param destination the address that the guest connected to; null: the same that the host connects to */
function metered(log: FlowObserver, meter: FlowMeter, destination: Endpoint | null): FlowObserver {
  const ends = (guest: Endpoint, host: Endpoint, hostPeer: Endpoint): FlowEnds => ({
    guest,
    guestPeer: destination ?? hostPeer,
    host,
    hostPeer,
  });
  return {
    opened: (guest, local, remote, traffic) => {
      meter.opened(ends(guest, local, remote), traffic);
      log.opened(guest, local, remote);
    },
    done: (guest, local, remote, report) => {
      meter.done(ends(guest, local, remote), report.outcome);
      log.done(guest, local, remote, report);
    },
    failed: (guest, target, report) => {
      meter.failed(report.outcome);
      log.failed(guest, target, report);
    },
  };
}

function endsOf({ client, listener, guestLocal, target }: LocalForwardEnds): FlowEnds {
  return { guest: target, guestPeer: guestLocal, host: listener, hostPeer: client };
}
