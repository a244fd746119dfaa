/**
 * The guest's own connections: a SYN to any address is a wish to reach that address, which the policy may grant. One
 * that is not allowed is refused with RST; the others are connected, see outgoing.ts.
 *
 * @module
 */
import type { IpAddress } from "../../stack/base/address.ts";
import type { TcpRequest } from "../../stack/tcp/flow.ts";
import type { FlowLog } from "../report/routed_report.ts";
import { OutgoingFlows, type OutgoingOptions } from "./outgoing.ts";

/** Says whether the guest may go there. */
export interface TcpPolicy {
  decide(network: "tcp", address: IpAddress, port: number): { readonly allowed: boolean };
}

/** What {@linkcode RoutedFlows} is made of. */
export interface RoutedOptions extends OutgoingOptions {
  readonly policy: TcpPolicy;
  readonly log: FlowLog;
}

/** See the module's text. */
export class RoutedFlows {
  private readonly outgoing: OutgoingFlows;

  constructor(private readonly options: RoutedOptions) {
    this.outgoing = new OutgoingFlows(options);
  }

  /** Connections, dials included. */
  get size(): number {
    return this.outgoing.size;
  }

  /** Takes a guest's SYN. Called by the stack. */
  request(request: TcpRequest): void {
    const { policy, log } = this.options;
    const { address, port } = request.local;
    if (policy.decide("tcp", address, port).allowed) this.outgoing.request(request, request.local, log);
    else request.refuse();
  }

  /** Resets all connections, both sides. */
  abort(): void {
    this.outgoing.abort();
  }
}
