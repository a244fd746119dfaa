/**
 * A SYN from the guest that waits for the user's verdict. The user needs time to find out whether the destination can
 * be reached, and the guest gets the true answer.
 *
 * @module
 */
import type { Endpoint, IpAddress } from "../base/address.ts";
import type { FlowEntry } from "../base/flow_table.ts";
import type { Segment } from "../wire/tcp.ts";
import type { SynOptions } from "./connection.ts";
import type { Unreachable } from "../base/layers.ts";
import type { TcpFlow, TcpHandler, TcpRequest } from "./flow.ts";

/** The part of the TCP layer that a request uses. */
export interface RequestOwner {
  accept(request: Request, handler: TcpHandler): TcpFlow | null;
  refuse(request: Request): void;
  unreachable(request: Request, what: Unreachable): void;
  timeExceeded(request: Request): void;
  relay(request: Request, type: number, code: number, from: IpAddress | null): void;
  drop(request: Request): void;
}

/** A SYN that waits for the user's verdict. */
export class Request implements TcpRequest, FlowEntry {
  hash = 0;
  next: FlowEntry | null = null;
  cancelled: (() => void) | null = null;
  /** Whether a verdict was given, or the guest has given up. */
  done = false;
  readonly irs: number;
  readonly timestamp: number;
  readonly options: SynOptions;

  /**
   * @param packet the start of the SYN's IP packet, for the quotation in an ICMP error
   * @param hopLimit the packet's
   * @param former SND.NXT of the connection whose TIME-WAIT the SYN has ended; null: there was none
   */
  constructor(
    private readonly owner: RequestOwner,
    readonly guest: Endpoint,
    readonly local: Endpoint,
    segment: Segment,
    readonly packet: Uint8Array,
    readonly hopLimit: number,
    readonly former: number | null,
  ) {
    this.irs = segment.sequence;
    this.timestamp = segment.timestamp;
    this.options = {
      maximumSegmentSize: segment.maximumSegmentSize,
      windowShift: segment.windowShift,
      sackPermitted: segment.sackPermitted,
      hasTimestamps: segment.hasTimestamps,
    };
  }

  accept(handler: TcpHandler): TcpFlow | null {
    return this.owner.accept(this, handler);
  }

  refuse(): void {
    if (!this.done) this.owner.refuse(this);
  }

  unreachable(what: Unreachable): void {
    if (!this.done) this.owner.unreachable(this, what);
  }

  timeExceeded(): void {
    if (!this.done) this.owner.timeExceeded(this);
  }

  relay(type: number, code: number, from: IpAddress | null): void {
    if (!this.done) this.owner.relay(this, type, code, from);
  }

  drop(): void {
    if (!this.done) this.owner.drop(this);
  }
}
