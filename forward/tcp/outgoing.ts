/**
 * Connections that the guest asks for, from the dial to their end.
 *
 *     dial → SYN-ACK → splice
 *                    → guard → splice, if it must show a name (guard.ts)
 *
 * The guest's SYN is answered when the host's connection is established or has failed, so the guest gets the same answer:
 *
 * | event | answer to the guest |
 * | --- | --- |
 * | the limit of connections is reached, and none of them is half-open | RST |
 * | the limit of dials is reached | the oldest dial is dropped without an answer: the guest repeats its SYN after a second |
 * | host: refused, reset | RST |
 * | host: no route | ICMP network unreachable |
 * | host: unreachable, or no answer in time | ICMP host unreachable |
 * | host: forbidden | ICMP administratively prohibited |
 * | host: no descriptor, no memory, anything else | RST |
 *
 * A guest that gives up first ends the dial. A caller whose connection was accepted before the dial (see
 * forwards/remote/early_flow.ts) is reset in all of these cases.
 *
 * @module
 */
import type { Endpoint } from "../../stack/base/address.ts";
import type { TcpFlow, TcpRequest } from "../../stack/tcp/flow.ts";
import { type EndReason, endReason, EndReasons, EndReport } from "../report/end_report.ts";
import type { Scheduler } from "../timers/scheduler.ts";
import type { FlowObserver, Traffic } from "../report/flow_observers.ts";
import { type HostDial, HostError, type HostStream } from "../host/host_network.ts";
import { onwardHopLimit } from "../host/hop_limit.ts";
import { speakerFor, unreachableFor } from "../host/unreachable.ts";
import type { ConnectionCount } from "./connection_count.ts";
import type { Dialling, Dials } from "./dials.ts";
import type { Guard, Guarding } from "./guard.ts";
import { Splice } from "./splice.ts";

/** The options of {@linkcode OutgoingFlows}. */
export interface OutgoingOptions {
  readonly dials: Dials;
  /** Shared with the connections of local forwards. */
  readonly connections: ConnectionCount;
  readonly scheduler: Scheduler;
}

/** The guest's side of a connection that is being dialled: its SYN, or a connection that was accepted early. */
export type Caller = Omit<TcpRequest, "local" | "timeExceeded">;

/** A connection that new rules may end. */
export interface Revocable {
  /** Its destination is refused now. */
  revoke(): void;
}

/** All connections that the guest asked for, to any destination. */
export class OutgoingFlows {
  private readonly flows = new Set<OutgoingFlow>();

  constructor(private readonly options: OutgoingOptions) {}

  /** The number of connections, including dials. */
  get size(): number {
    return this.flows.size;
  }

  /** Resets the connections of that observer whose destinations are refused now, and ends its dials to such. */
  abortWhere(observer: FlowObserver, isRefused: (destination: Endpoint) => boolean): void {
    for (const flow of this.flows) if (flow.observer === observer && isRefused(flow.destination)) flow.revoke();
  }

  /** Takes a guest's SYN, and connects it with `destination`. */
  request(request: TcpRequest, destination: Endpoint, observer: FlowObserver): void {
    if (this.options.connections.take()) this.dial(request, destination, observer);
    else request.refuse();
  }

  /**
   * Dials for a caller that is already counted in `connections`.
   *
   * @param guarding what the connection must show before anything passes; null: nothing
   */
  dial(caller: Caller, destination: Endpoint, observer: FlowObserver, guarding: Guarding | null = null): Revocable {
    const flow = new OutgoingFlow(caller, destination, observer, guarding, this.options, this.flows);
    this.flows.add(flow);
    flow.start();
    return flow;
  }

  /** Resets both sides of all connections that have two. A dial ends with its guest's side, which the stack ends. */
  abort(): void {
    for (const flow of this.flows) flow.abort();
  }
}

/** One connection: first the handler of its dial, then the owner of its splice. */
class OutgoingFlow implements Dialling, Traffic, Revocable {
  private flow: TcpFlow | null = null;
  private dialled: HostDial | null = null;
  private splice: Splice | null = null;
  private guard: Guard | null = null;

  constructor(
    private readonly caller: Caller,
    readonly destination: Endpoint,
    readonly observer: FlowObserver,
    private readonly guarding: Guarding | null,
    private readonly options: OutgoingOptions,
    private readonly flows: Set<OutgoingFlow>,
  ) {}

  get hopLimit(): number {
    return onwardHopLimit(this.caller.hopLimit);
  }

  get sentBytes(): number {
    return this.flow?.bytesReceived ?? 0;
  }

  get answeredBytes(): number {
    return this.flow?.bytesAcknowledged ?? 0;
  }

  start(): void {
    this.dialled = this.options.dials.dial(this);
    this.caller.cancelled = () => this.cancel();
  }

  abort(): void {
    this.guard?.reset();
    this.splice?.abort();
  }

  revoke(): void {
    if (this.splice !== null) {
      this.splice.ends.record("l-read", EndReasons.REVOKED);
      return this.abort();
    }
    this.cancel();
    this.caller.refuse();
  }

  connected(stream: HostStream): void {
    const { caller, observer, options } = this;
    const { guest } = caller, { local, remote } = stream;
    options.dials.done(this);
    observer.opened(guest, local, remote, this);
    const splice = this.splice = new Splice(stream, "l", options.scheduler, ({ ends }) => {
      if (this.guard === null || this.guardEnded(this.guard)) this.forget();
      observer.done(guest, local, remote, ends);
    });
    if (this.guarding !== null) return this.hold(splice, this.guarding);
    const flow = this.flow = caller.accept(splice);
    if (flow === null) splice.abort();
    else splice.start(flow);
  }

  /** Puts a guard before the splice. */
  private hold(splice: Splice, { gate, ...guarding }: Guarding): void {
    const guard = this.guard = gate.guard({ ...guarding, splice, parted: () => this.forget() });
    const flow = this.flow = this.caller.accept(guard);
    if (flow === null) splice.abort();
    else guard.start(flow);
  }

  /** The splice has ended. Returns whether the guest's side is over as well. */
  private guardEnded(guard: Guard): boolean {
    guard.spliceEnded();
    return !guard.isParting;
  }

  failed(error: unknown): void {
    this.options.dials.done(this);
    this.refuse(error instanceof HostError ? error : new HostError("other", String(error)));
  }

  expire(): void {
    this.hangUp();
    this.refuse(new HostError("timeout", "connection timed out"));
  }

  evict(): void {
    this.hangUp();
    this.forget();
    this.caller.drop();
  }

  /** The guest has given up. */
  private cancel(): void {
    this.hangUp();
    this.forget();
    this.logFailure("l-read", EndReasons.GIVEN_UP);
  }

  private refuse(error: HostError): void {
    this.forget();
    const what = unreachableFor(error.failure), { icmp } = error, { caller } = this;
    if (icmp !== null) {
      const { type, code, from } = icmp;
      caller.relay(type, code, speakerFor(from, caller.guest.address));
    } else if (what === null || what === "port") this.caller.refuse();
    else this.caller.unreachable(what);
    this.logFailure("r-read", endReason(error));
  }

  private hangUp(): void {
    this.options.dials.done(this);
    this.dialled?.cancel();
  }

  private forget(): void {
    this.flows.delete(this);
    this.options.connections.release();
  }

  private logFailure(end: "l-read" | "r-read", reason: EndReason): void {
    const ends = new EndReport();
    ends.record(end, reason);
    this.observer.failed(this.caller.guest, this.destination, ends);
  }
}
