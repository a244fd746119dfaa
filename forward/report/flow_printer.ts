/**
 * Prints a line on stdout when a flow opens, ends or fails. The text of the lines is in contract_lines.ts.
 *
 * @module
 */
import {
  type LineNetwork,
  localForwardDone,
  localForwardError,
  localForwardNew,
  remoteForwardDone,
  remoteForwardError,
  remoteForwardNew,
  remoteForwardUnresolved,
  routingDone,
  routingError,
  routingNew,
} from "./contract_lines.ts";
import type { FlowObserver, FlowObservers, LocalForwardObserver, RemoteForwardObservers } from "./flow_observers.ts";
import type { Output } from "./output.ts";

/** Observers that print lines on `output`. */
export function flowPrinters(output: Output): FlowObservers {
  return {
    routedTcp: routedPrinter("tcp", output),
    routedUdp: routedPrinter("udp", output),
    remoteTcp: remoteForwardPrinter("tcp", output),
    remoteUdp: remoteForwardPrinter("udp", output),
    local: localForwardPrinter(output),
  };
}

/** Prints the lines about flows under the policy ("Routing conn ..."). */
function routedPrinter(network: LineNetwork, output: Output): FlowObserver {
  return {
    opened: (guest, hostLocal, hostRemote) => output.line(routingNew({ network, guest, hostLocal, hostRemote })),
    done: (guest, hostLocal, hostRemote, ends) =>
      output.line(routingDone({ network, guest, hostLocal, hostRemote }, ends)),
    failed: (guest, destination, ends) => output.line(routingError(network, guest, destination, ends)),
  };
}

/** Prints the lines about flows to remote forwards ("remote-fwd conn ..."). */
function remoteForwardPrinter(network: LineNetwork, output: Output): RemoteForwardObservers {
  return (guestDestination) => ({
    opened: (guest, hostLocal, hostRemote) =>
      output.line(remoteForwardNew({ network, guest, guestDestination, hostLocal, hostRemote })),
    done: (guest, hostLocal, hostRemote, ends) =>
      output.line(remoteForwardDone({ network, guest, guestDestination, hostLocal, hostRemote }, ends)),
    failed: (guest, target, ends) =>
      output.line(remoteForwardError({ network, guest, guestDestination }, target, ends)),
    unresolved: (guest, target, reason) =>
      output.line(remoteForwardUnresolved({ network, guest, guestDestination }, target, reason)),
  });
}

/** Prints the lines about clients of local forwards ("local-fwd conn", ...). */
function localForwardPrinter(output: Output): LocalForwardObserver {
  return {
    opened: (ends) => output.line(localForwardNew(ends)),
    done: (ends, report) => output.line(localForwardDone(ends, report)),
    failed: (ends, target, reason) => output.line(localForwardError(ends, target, reason)),
  };
}
