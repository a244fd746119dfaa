/**
 * Remote forwards for TCP: a connection of the guest to a forward's address and port goes to the forward's target. The
 * policy is not asked, because the user has set up the forward.
 *
 * | target | action |
 * | --- | --- |
 * | an address | the SYN is answered when the host's connection is established or has failed (tcp/outgoing.ts) |
 * | a name | the connection is accepted at once (early_flow.ts), and reset if the lookup or the dial fails |
 *
 * @module
 */
import type { TcpRequest } from "../../../stack/tcp/flow.ts";
import type { RemoteForwardObserver, RemoteForwardObservers } from "../../report/flow_observers.ts";
import type { ConnectionCount } from "../../tcp/connection_count.ts";
import type { OutgoingFlows } from "../../tcp/outgoing.ts";
import { EarlyFlow } from "./early_flow.ts";
import type { RemoteForward } from "./table.ts";

/** The options of {@linkcode RemoteTcpFlows}. */
export interface RemoteTcpFlowsOptions {
  /** Dials, and keeps the connections. */
  readonly outgoing: OutgoingFlows;
  readonly connections: ConnectionCount;
  readonly observers: RemoteForwardObservers;
}

/** Connects the guest with the targets of remote forwards. */
export class RemoteTcpFlows {
  constructor(private readonly options: RemoteTcpFlowsOptions) {}

  /** Takes a guest's SYN to a forward. Called by the stack. */
  request(request: TcpRequest, forward: RemoteForward): void {
    const { outgoing, connections } = this.options;
    const observer = this.options.observers(request.local);
    const { fixed } = forward.target;
    if (fixed !== null) return outgoing.request(request, fixed, observer);
    if (!connections.take()) return request.refuse();
    const flow = new EarlyFlow(request);
    if (flow.isOver) connections.release();
    else this.findTarget(flow, forward, observer);
  }

  private findTarget(flow: EarlyFlow, { target }: RemoteForward, observer: RemoteForwardObserver): void {
    const { outgoing, connections } = this.options;
    const known = target.known();
    if (known !== null) {
      outgoing.dial(flow, known, observer);
      return;
    }
    target.ask().then(
      (endpoint) => {
        if (flow.isOver) connections.release();
        else outgoing.dial(flow, endpoint, observer);
      },
      (error: unknown) => {
        connections.release();
        flow.refuse();
        observer.unresolved(flow.guest, target.name, error instanceof Error ? error.message : String(error));
      },
    );
  }
}
