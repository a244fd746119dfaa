/**
 * The lines on stdout about what passes through local and remote forwards.
 *
 * @module
 */
import type { Endpoint } from "../../stack/base/address.ts";
import type { EndReason, EndReport } from "./end_report.ts";
import { type FlowLog, NO_LINES, type Traffic } from "./routed_report.ts";
import {
  type LineNetwork,
  localForwardDone,
  type LocalForwardEnds,
  localForwardError,
  localForwardNew,
  remoteForwardDone,
  remoteForwardError,
  remoteForwardNew,
  remoteForwardUnresolved,
} from "./contract_lines.ts";
import type { Output } from "./output.ts";

/** Is told what becomes of one of the guest's connections to a remote forward. */
export interface RemoteForwardLog extends FlowLog {
  /** The target's name has no address. */
  unresolved(guest: Endpoint, target: string, reason: string): void;
}

/** Makes the log of a connection to what the guest takes for its destination. */
export type RemoteForwardLogs = (destination: Endpoint) => RemoteForwardLog;

/** Prints it. */
export function remoteForwardLines(network: LineNetwork, output: Output): RemoteForwardLogs {
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

/** Is told what becomes of clients of local forwards. */
export interface LocalForwardLog {
  /** One is open. `traffic`: of an association; it goes on counting. */
  opened(ends: LocalForwardEnds, traffic?: Traffic): void;
  done(ends: LocalForwardEnds, report: EndReport): void;
  /** It did not come about. The target is as it was written where it is not known better. */
  failed(ends: Omit<LocalForwardEnds, "guestLocal" | "target">, target: string, reason: EndReport | EndReason): void;
}

/** Prints it. */
export function localForwardLines(output: Output): LocalForwardLog {
  return {
    opened: (ends) => output.line(localForwardNew(ends)),
    done: (ends, report) => output.line(localForwardDone(ends, report)),
    failed: (ends, target, reason) => output.line(localForwardError(ends, target, reason)),
  };
}

const NO_REMOTE_LINES: RemoteForwardLog = { ...NO_LINES, unresolved: () => {} };

/** Print nothing: `-quiet`. */
export const NO_FORWARD_LINES: { readonly remote: RemoteForwardLogs; readonly local: LocalForwardLog } = {
  remote: () => NO_REMOTE_LINES,
  local: { opened: () => {}, done: () => {}, failed: () => {} },
};
