/**
 * The interfaces through which the forwarding code reports each flow: opened, done, failed. The printer of
 * stdout's lines (flow_printer.ts), the program's log (log/watch.ts) and the metrics (metrics/flows) implement them, each
 * around the next one.
 *
 * @module
 */
import type { Endpoint } from "../../stack/base/address.ts";
import type { LocalForwardEnds } from "./contract_lines.ts";
import type { EndReason, EndReport } from "./end_report.ts";
import type { FlowVerdict } from "./verdicts.ts";

/** Bytes of payload that have passed so far. */
export interface Traffic {
  /** Bytes from the side that opened the flow. */
  readonly sentBytes: number;
  /** Bytes to the side that opened the flow. */
  readonly answeredBytes: number;
}

/** The name and the rule of a flow that was opened by a name. */
export interface NamedFlow {
  readonly name: string;
  /** The name's address in the guest, and the port. */
  readonly own: Endpoint;
  /** The rule that allows it. */
  readonly rule: string;
  /** Whether it must show its name before anything passes; the verdict follows. */
  readonly isHeld: boolean;
}

/** Observes flows that the guest opens: TCP connections or UDP associations. */
export interface FlowObserver {
  /**
   * A flow is open.
   *
   * @param hostRemote for an association, the destination of its first datagram
   * @param traffic its counters; they go on counting
   * @param named the name and rule of a flow that was opened by a name
   */
  opened(guest: Endpoint, hostLocal: Endpoint, hostRemote: Endpoint, traffic?: Traffic, named?: NamedFlow): void;
  /** A flow that must show its name was judged; after a request, it may be judged again. */
  judged?(guest: Endpoint, named: NamedFlow, verdict: FlowVerdict): void;
  /** An open flow has ended. */
  done(guest: Endpoint, hostLocal: Endpoint, hostRemote: Endpoint, ends: EndReport, named?: NamedFlow): void;
  /** A flow could not be opened. */
  failed(guest: Endpoint, destination: Endpoint, ends: EndReport): void;
}

/** Observes the guest's flows to one remote forward. */
export interface RemoteForwardObserver extends FlowObserver {
  /** The target's name has no address. */
  unresolved(guest: Endpoint, target: string, reason: string): void;
}

/** Returns the observer for flows to `destination`, the address that the guest has connected to. */
export type RemoteForwardObservers = (destination: Endpoint) => RemoteForwardObserver;

/** Observes clients of local forwards. */
export interface LocalForwardObserver {
  /** A flow is open. `traffic`: the counters of an association; they go on counting. */
  opened(ends: LocalForwardEnds, traffic?: Traffic): void;
  /** An open flow has ended. */
  done(ends: LocalForwardEnds, report: EndReport): void;
  /** A flow could not be opened. `target` is the text of the flag where no address is known. */
  failed(ends: Omit<LocalForwardEnds, "guestLocal" | "target">, target: string, reason: EndReport | EndReason): void;
}

/** The observers of all kinds of flows. */
export interface FlowObservers {
  readonly routedTcp: FlowObserver;
  readonly routedUdp: FlowObserver;
  readonly remoteTcp: RemoteForwardObservers;
  readonly remoteUdp: RemoteForwardObservers;
  readonly local: LocalForwardObserver;
}

const NO_ROUTED: FlowObserver = { opened: () => {}, done: () => {}, failed: () => {} };
const NO_REMOTE: RemoteForwardObserver = { ...NO_ROUTED, unresolved: () => {} };

/** Observers that do nothing: `-quiet`. */
export const NO_OBSERVERS: FlowObservers = {
  routedTcp: NO_ROUTED,
  routedUdp: NO_ROUTED,
  remoteTcp: () => NO_REMOTE,
  remoteUdp: () => NO_REMOTE,
  local: { opened: () => {}, done: () => {}, failed: () => {} },
};
