/**
 * A connection of the guest that is accepted before its target is known: the target is a name, and a lookup may outlast
 * the guest's patience.
 *
 *     SYN → SYN-ACK → lookup → dial → splice
 *
 * The guest's data waits in the receive window meanwhile. If the lookup or the dial fails, the connection is reset.
 *
 * @module
 */
import type { Endpoint } from "../../../stack/base/address.ts";
import type { TcpFailure, TcpFlow, TcpHandler, TcpRequest } from "../../../stack/tcp/flow.ts";
import type { Caller } from "../../tcp/outgoing.ts";

/** The hop limit that hosts begin with (RFC 1700). */
const ORDINARY_HOP_LIMIT = 64;

/** The guest's side of such a connection, until its splice takes over. */
export class EarlyFlow implements TcpHandler, Caller {
  readonly guest: Endpoint;
  /** The hop limit of its SYN does not matter any more, because the connection is accepted. */
  readonly hopLimit = ORDINARY_HOP_LIMIT;
  cancelled: (() => void) | null = null;
  private readonly flow: TcpFlow | null;
  private over: boolean;

  /** Accepts the request. */
  constructor(request: TcpRequest) {
    this.guest = request.guest;
    this.flow = request.accept(this);
    this.over = this.flow === null;
  }

  /** Whether the connection has ended, or was never accepted. */
  get isOver(): boolean {
    return this.over;
  }

  /** Hands the connection over to the splice. */
  accept(splice: TcpHandler): TcpFlow | null {
    const { flow } = this;
    if (this.over || flow === null) return null;
    flow.handler = splice;
    return flow;
  }

  refuse(): void {
    if (this.over) return;
    this.over = true;
    this.flow?.abort();
  }

  unreachable(): void {
    this.refuse();
  }

  relay(): void {
    this.refuse();
  }

  drop(): void {
    this.refuse();
  }

  // the guest's side

  established(): void {}

  readable(): void {}

  writable(): void {}

  closed(_failure: TcpFailure | null): void {
    this.over = true;
    this.cancelled?.();
  }
}
