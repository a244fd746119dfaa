/**
 * The guest's own connections: a SYN to any address is a wish to reach that address, which the policy may grant.
 *
 *     SYN → policy → dial → SYN-ACK → splice
 *
 * The guest's SYN is answered only when the host's connection stands, so that the guest sees what the host saw:
 *
 * | verdict | answer |
 * | --- | --- |
 * | not allowed | RST |
 * | as many connections as may be | RST |
 * | as many dials as may be | none: the guest's SYN comes again in a second |
 * | host: refused, reset | RST |
 * | host: no route | ICMP network unreachable |
 * | host: unreachable, or no answer in time | ICMP host unreachable |
 * | host: forbidden | ICMP administratively prohibited |
 * | host: no descriptor, no memory, anything else | RST |
 *
 * A guest that gives up before that ends the dial.
 *
 * @module
 */
import type { IpAddress } from "../../stack/address.ts";
import type { TcpRequest } from "../../stack/tcp/flow.ts";
import { EndReport } from "../end_report.ts";
import type { EventLoop } from "../event_loop.ts";
import type { FlowLog } from "../flow_lines.ts";
import type { HostError, HostNetwork, HostStream } from "../host.ts";
import { reasonOf } from "../host_error.ts";
import { MAX_DIALS, MAX_FLOWS } from "../limits.ts";
import { unreachableFor } from "../unreachable.ts";
import { Dials } from "./dials.ts";
import { Splice } from "./splice.ts";

/** Says whether the guest may go there. */
export interface TcpPolicy {
  decide(network: "tcp", address: IpAddress, port: number): { readonly allowed: boolean };
}

/** What {@linkcode RoutedFlows} is made of. */
export interface RoutedOptions {
  readonly host: HostNetwork;
  readonly policy: TcpPolicy;
  readonly loop: EventLoop;
  readonly log: FlowLog;
}

/** See the module's text. */
export class RoutedFlows {
  private readonly dials: Dials;
  private readonly splices = new Set<Splice>();

  constructor(private readonly options: RoutedOptions) {
    this.dials = new Dials(options.host, options.loop);
  }

  /** Connections, dials included. */
  get size(): number {
    return this.splices.size + this.dials.size;
  }

  /** Takes a guest's SYN. Called by the stack. */
  request(request: TcpRequest): void {
    const { policy, log } = this.options;
    const { guest, local: destination } = request;
    if (!policy.decide("tcp", destination.address, destination.port).allowed) return request.refuse();
    if (this.size >= MAX_FLOWS) return request.refuse();
    if (this.dials.size >= MAX_DIALS) return request.drop();
    const dial = this.dials.dial(destination, {
      connected: (stream) => this.connected(request, stream),
      failed: (error) => this.failed(request, error),
    });
    request.cancelled = () => {
      dial.cancel();
      const ends = new EndReport();
      ends.record("l-read", "connection given up");
      log.failed(guest, destination, ends);
    };
  }

  /** Resets all connections, both sides. The caller settles. */
  abort(): void {
    for (const splice of this.splices) splice.abort();
  }

  private connected(request: TcpRequest, stream: HostStream): void {
    const { loop, log } = this.options;
    const { guest } = request;
    const { local, remote } = stream;
    log.opened(guest, local, remote);
    const splice = new Splice(stream, "l", loop, (splice) => {
      this.splices.delete(splice);
      log.done(guest, local, remote, splice.ends);
    });
    this.splices.add(splice);
    const flow = request.accept(splice);
    if (flow === null) splice.abort();
    else splice.start(flow);
    loop.settle();
  }

  private failed(request: TcpRequest, error: HostError): void {
    const { loop, log } = this.options;
    const ends = new EndReport();
    ends.record("r-read", reasonOf(error));
    answer(request, error);
    log.failed(request.guest, request.local, ends);
    loop.settle();
  }
}

function answer(request: TcpRequest, error: HostError): void {
  const what = unreachableFor(error.failure);
  if (what === null || what === "port") request.refuse();
  else request.unreachable(what);
}
