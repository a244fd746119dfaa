/**
 * Dials under way: each can be given up, and is given up when it takes too long.
 *
 * When there are as many as may be, the oldest makes room for the next, so that a guest that floods or scans shuts out
 * nobody: whoever asks is asked for, for as long as there is time. A flood to one address is kept among itself: where the
 * next one's address has its share already, the oldest of that address goes.
 *
 * @module
 */
import type { Endpoint } from "../../stack/base/address.ts";
import { Deadlines, type Expiring } from "../loop/deadlines.ts";
import type { EventLoop } from "../loop/event_loop.ts";
import { type HostDial, type HostDialHandler, HostError, type HostNetwork, type HostStream } from "../host/port.ts";
import { DEFAULT_LIMITS, DIALS_SHARE } from "../limits/limits.ts";
import { DIAL_TIMEOUT_MS } from "../limits/timeouts.ts";

/** What a dial tells. One of the three is called, once; none after {@linkcode Dial.cancel}. */
export interface DialHandler {
  connected(stream: HostStream): void;
  failed(error: HostError): void;
  /** It had to make room for another. Called from within {@linkcode Dials.dial}. */
  evicted(): void;
}

/** A dial under way. */
export interface Dial {
  /** Gives it up. After its end it does nothing. */
  cancel(): void;
}

/** See the module's text. */
export class Dials {
  private readonly pending: Deadlines<PendingDial>;
  /** By the text of the address, the oldest first. */
  private readonly byAddress = new Map<string, Set<PendingDial>>();
  /** Those that had to make room. */
  evicted = 0;

  /** @param limit how many there may be at once */
  constructor(
    private readonly host: HostNetwork,
    loop: EventLoop,
    readonly limit: number = DEFAULT_LIMITS.dials,
  ) {
    this.pending = new Deadlines(loop, DIAL_TIMEOUT_MS);
  }

  /** How many are under way. */
  get size(): number {
    return this.pending.size;
  }

  /** Starts one. */
  dial(remote: Endpoint, handler: DialHandler): Dial {
    const address = remote.address.toString();
    if (this.size >= this.limit) this.makeRoom(address);
    const dial = new PendingDial(remote, handler, () => this.forget(dial, address));
    this.pending.add(dial);
    const others = this.byAddress.get(address);
    if (others === undefined) this.byAddress.set(address, new Set([dial]));
    else others.add(dial);
    dial.start(this.host);
    return dial;
  }

  private makeRoom(address: string): void {
    const same = this.byAddress.get(address);
    const among = same !== undefined && same.size >= this.limit * DIALS_SHARE ? same : this.pending.entries();
    for (const oldest of among) {
      this.evicted++;
      return oldest.evict();
    }
  }

  private forget(dial: PendingDial, address: string): void {
    this.pending.delete(dial);
    const others = this.byAddress.get(address);
    others?.delete(dial);
    if (others?.size === 0) this.byAddress.delete(address);
  }
}

class PendingDial implements Dial, Expiring, HostDialHandler {
  private attempt: HostDial | null = null;
  private over = false;

  constructor(
    private readonly remote: Endpoint,
    private readonly handler: DialHandler,
    private readonly ended: () => void,
  ) {}

  start(host: HostNetwork): void {
    this.attempt = host.dial(this.remote, this);
  }

  connected(stream: HostStream): void {
    if (this.over) return stream.close();
    this.end();
    this.handler.connected(stream);
  }

  failed(error: unknown): void {
    if (this.over) return;
    this.end();
    this.handler.failed(error instanceof HostError ? error : new HostError("other", String(error)));
  }

  cancel(): void {
    if (this.over) return;
    this.end();
    this.attempt?.cancel();
  }

  evict(): void {
    this.cancel();
    this.handler.evicted();
  }

  expire(): void {
    this.cancel();
    this.handler.failed(new HostError("timeout", "connection timed out"));
  }

  private end(): void {
    this.over = true;
    this.ended();
  }
}
