/**
 * The dials under way, with a limit for all of them and a time limit for each.
 *
 * When the table is full, the oldest dial makes room for the next, so a guest that floods or scans cannot shut out its
 * other connections: every request is dialled until it times out or is the oldest of too many. A flood to one address
 * hurts only itself: once that address has its share of the table (DIALS_SHARE), its own oldest dial goes.
 *
 * @module
 */
import type { Endpoint } from "../../stack/base/address.ts";
import { Deadlines, type Expiring } from "../timers/deadlines.ts";
import type { Scheduler } from "../timers/scheduler.ts";
import type { HostDial, HostDialHandler, HostNetwork } from "../host/host_network.ts";
import { DEFAULT_LIMITS, DIALS_SHARE } from "../limits/limits.ts";
import { DIAL_TIMEOUT_MS } from "../limits/timeouts.ts";

/** A connection that is being dialled. However its dial ends, it calls {@linkcode Dials.done} once. */
export interface Dialling extends HostDialHandler, Expiring {
  readonly destination: Endpoint;
  /** See {@linkcode DialOptions.hopLimit}. */
  readonly hopLimit: number;
  /** Ends the dial to make room for another. Called from within {@linkcode Dials.dial}. */
  evict(): void;
}

/** The table of dials. */
export class Dials {
  private readonly pending: Deadlines<Dialling>;
  /** By the text of the address, the oldest first. */
  private readonly byAddress = new Map<string, Set<Dialling>>();
  /** The number of dials that were evicted. */
  evicted = 0;

  /** @param limit the most dials at once */
  constructor(
    private readonly host: HostNetwork,
    scheduler: Scheduler,
    readonly limit: number = DEFAULT_LIMITS.dials,
  ) {
    this.pending = new Deadlines(scheduler, DIAL_TIMEOUT_MS);
  }

  /** The number of dials under way. */
  get size(): number {
    return this.pending.size;
  }

  /** Dials the destination, and reports the outcome to `flow`, including a timeout. */
  dial(flow: Dialling): HostDial {
    const address = flow.destination.address.toString();
    if (this.size >= this.limit) this.makeRoom(address);
    this.pending.add(flow);
    const others = this.byAddress.get(address);
    if (others === undefined) this.byAddress.set(address, new Set([flow]));
    else others.add(flow);
    const { destination, hopLimit } = flow;
    return this.host.dial(destination, flow, hopLimit === 0 ? undefined : { hopLimit });
  }

  /** Removes a flow whose dial has ended. */
  done(flow: Dialling): void {
    const address = flow.destination.address.toString();
    this.pending.delete(flow);
    const others = this.byAddress.get(address);
    others?.delete(flow);
    if (others?.size === 0) this.byAddress.delete(address);
  }

  private makeRoom(address: string): void {
    const same = this.byAddress.get(address);
    const among = same !== undefined && same.size >= this.limit * DIALS_SHARE ? same : this.pending.entries();
    for (const oldest of among) {
      this.evicted++;
      return oldest.evict();
    }
  }
}
