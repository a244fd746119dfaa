/**
 * Remote forwards for TCP: the guest connects to an address and port that a forward stands for, and is connected with
 * its target. The policy is not asked: whoever has set up the forward wants it.
 *
 * | target | what is done |
 * | --- | --- |
 * | an address | as with any other connection of the guest: the SYN is answered as the host's connection is, see outgoing.ts |
 * | a name | accepted at once, see early_flow.ts; reset when the lookup or the connection fails |
 *
 * @module
 */
import type { TcpRequest } from "../../../stack/tcp/flow.ts";
import type { RemoteForwardLog, RemoteForwardLogs } from "../../report/forward_report.ts";
import { OutgoingFlows, type OutgoingOptions } from "../../tcp/outgoing.ts";
import { EarlyFlow } from "./early_flow.ts";
import type { RemoteForward } from "./table.ts";

/** What {@linkcode RemoteFlows} is made of. */
export interface RemoteFlowsOptions extends OutgoingOptions {
  readonly logs: RemoteForwardLogs;
}

/** See the module's text. */
export class RemoteFlows {
  private readonly outgoing: OutgoingFlows;
  /** Connections whose target is being asked for. */
  private asking = 0;

  constructor(private readonly options: RemoteFlowsOptions) {
    this.outgoing = new OutgoingFlows(options);
  }

  /** Connections, those that are being made included. */
  get size(): number {
    return this.outgoing.size + this.asking;
  }

  /** Takes a guest's SYN to a forward. Called by the stack. */
  request(request: TcpRequest, forward: RemoteForward): void {
    const { outgoing } = this;
    const { connections } = this.options;
    const log = this.options.logs(request.local);
    const { fixed } = forward.target;
    if (fixed !== null) return outgoing.request(request, fixed, log);
    if (!connections.take()) return request.refuse();
    const flow = new EarlyFlow(request);
    if (flow.isGone) connections.release();
    else this.findTarget(flow, forward, log);
  }

  /** Resets all connections that have two sides, and both of them. */
  abort(): void {
    this.outgoing.abort();
  }

  private findTarget(flow: EarlyFlow, { target }: RemoteForward, log: RemoteForwardLog): void {
    const known = target.known();
    if (known !== null) return this.outgoing.dial(flow, known, log);
    this.asking++;
    target.ask().then(
      (endpoint) => {
        this.asking--;
        if (flow.isGone) this.options.connections.release();
        else this.outgoing.dial(flow, endpoint, log);
      },
      (error: unknown) => {
        this.asking--;
        this.options.connections.release();
        const reason = error instanceof Error ? error.message : String(error);
        flow.refuse();
        log.unresolved(flow.guest, target.name, reason);
      },
    );
  }
}
