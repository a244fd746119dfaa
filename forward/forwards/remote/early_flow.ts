/**
 * A connection of the guest that was accepted before it is known where it leads: its target is a name, and a lookup may
 * outlast the guest's patience.
 *
 *     SYN → SYN-ACK → lookup → dial → splice
 *
 * What the guest sends meanwhile waits in its receive window. If the lookup or the dial fails, the connection is reset.
 *
 * @module
 */
import type { Endpoint } from "../../../stack/base/address.ts";
import type { TcpFailure, TcpFlow, TcpHandler, TcpRequest } from "../../../stack/tcp/flow.ts";
import type { Caller } from "../../tcp/outgoing.ts";
import type { Splice } from "../../tcp/splice.ts";

/** See the module's text. */
export class EarlyFlow implements TcpHandler, Caller {
  readonly guest: Endpoint;
  cancelled: (() => void) | null = null;
  private readonly flow: TcpFlow | null;
  private splice: Splice | null = null;
  private gone: boolean;

  /** Accepts the request. */
  constructor(request: TcpRequest) {
    this.guest = request.guest;
    this.flow = request.accept(this);
    this.gone = this.flow === null;
  }

  /** Whether the guest has given up, or never was accepted. */
  get isGone(): boolean {
    return this.gone;
  }

  accept(splice: Splice): TcpFlow | null {
    if (this.gone) return null;
    this.splice = splice;
    return this.flow;
  }

  refuse(): void {
    if (this.gone) return;
    this.gone = true;
    this.flow?.abort();
  }

  drop(): void {
    this.refuse();
  }

  // the guest's side

  established(): void {
    this.splice?.established();
  }

  readable(): void {
    this.splice?.readable();
  }

  writable(): void {
    this.splice?.writable();
  }

  closed(failure: TcpFailure | null): void {
    if (this.splice !== null) return this.splice.closed(failure);
    this.gone = true;
    this.cancelled?.();
  }
}
