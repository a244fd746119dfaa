/**
 * Connections that the guest asked for, from the dial on.
 *
 *     dial → SYN-ACK → splice
 *
 * The guest's SYN is answered only when the host's connection stands, so that the guest sees what the host saw:
 *
 * | what happens | answer |
 * | --- | --- |
 * | as many connections as may be, and none is half-open | RST |
 * | as many dials as may be | the oldest has none: its guest's SYN comes again in a second |
 * | host: refused, reset | RST |
 * | host: no route | ICMP network unreachable |
 * | host: unreachable, or no answer in time | ICMP host unreachable |
 * | host: forbidden | ICMP administratively prohibited |
 * | host: no descriptor, no memory, anything else | RST |
 *
 * A guest that gives up before that ends the dial. A caller that was accepted before is reset where the table has anything
 * but a connection.
 *
 * @module
 */
import type { Endpoint } from "../../stack/base/address.ts";
import type { TcpFlow, TcpRequest } from "../../stack/tcp/flow.ts";
import { endReason, EndReasons, EndReport } from "../report/end_report.ts";
import type { EventLoop } from "../loop/event_loop.ts";
import type { FlowLog } from "../report/routed_report.ts";
import type { HostError, HostStream } from "../host/port.ts";
import { unreachableFor } from "../host/unreachable.ts";
import type { ConnectionCount } from "./connection_count.ts";
import type { Dials } from "./dials.ts";
import { Splice } from "./splice.ts";

/** What {@linkcode OutgoingFlows} is made of. */
export interface OutgoingOptions {
  /** May be shared with others: then so is the limit. */
  readonly dials: Dials;
  /** May be shared with others: then so is the limit. */
  readonly connections: ConnectionCount;
  readonly loop: EventLoop;
}

/** The guest's side of a connection that is being dialled. */
export interface Caller {
  readonly guest: Endpoint;
  /** Called if the guest gives up before one of the two below was called. */
  cancelled: (() => void) | null;
  /** The host's connection stands. The flow, which passes everything on to the splice; null: there is none any more. */
  accept(splice: Splice): TcpFlow | null;
  /** The dial failed. */
  refuse(error: HostError): void;
  /** The dial made room for another. */
  drop(): void;
}

/** See the module's text. */
export class OutgoingFlows {
  private readonly splices = new Set<Splice>();
  private dialling = 0;

  constructor(private readonly options: OutgoingOptions) {}

  /** Connections, dials included. */
  get size(): number {
    return this.splices.size + this.dialling;
  }

  /** Takes a guest's SYN, which is to be connected with `destination`. */
  request(request: TcpRequest, destination: Endpoint, log: FlowLog): void {
    if (this.options.connections.take()) this.dial(new Requesting(request), destination, log);
    else request.refuse();
  }

  /** Dials for a caller who was counted in `connections`. */
  dial(caller: Caller, destination: Endpoint, log: FlowLog): void {
    const { dials, connections } = this.options;
    const { guest } = caller;
    this.dialling++;
    const dial = dials.dial(destination, {
      connected: (stream) => {
        this.dialling--;
        this.splice(caller, stream, log);
      },
      failed: (error) => {
        this.dialling--;
        connections.release();
        caller.refuse(error);
        const ends = new EndReport();
        ends.record("r-read", endReason(error));
        log.failed(guest, destination, ends);
      },
      evicted: () => {
        this.dialling--;
        connections.release();
        caller.drop();
      },
    });
    caller.cancelled = () => {
      this.dialling--;
      connections.release();
      dial.cancel();
      const ends = new EndReport();
      ends.record("l-read", EndReasons.GIVEN_UP);
      log.failed(guest, destination, ends);
    };
  }

  /** Resets all connections, both sides. */
  abort(): void {
    for (const splice of this.splices) splice.abort();
  }

  private splice(caller: Caller, stream: HostStream, log: FlowLog): void {
    const { guest } = caller;
    const { local, remote } = stream;
    log.opened(guest, local, remote);
    const splice = new Splice(stream, "l", this.options.loop, (splice) => {
      this.splices.delete(splice);
      this.options.connections.release();
      log.done(guest, local, remote, splice.ends);
    });
    this.splices.add(splice);
    const flow = caller.accept(splice);
    if (flow === null) splice.abort();
    else splice.start(flow);
  }
}

/** A guest whose SYN waits for the outcome. */
class Requesting implements Caller {
  readonly guest: Endpoint;

  constructor(private readonly request: TcpRequest) {
    this.guest = request.guest;
  }

  set cancelled(cancelled: (() => void) | null) {
    this.request.cancelled = cancelled;
  }

  accept(splice: Splice): TcpFlow | null {
    return this.request.accept(splice);
  }

  refuse(error: HostError): void {
    const what = unreachableFor(error.failure);
    if (what === null || what === "port") this.request.refuse();
    else this.request.unreachable(what);
  }

  drop(): void {
    this.request.drop();
  }
}
