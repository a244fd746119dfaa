/**
 * Dials under way: each can be given up, and is given up when it takes too long.
 *
 * @module
 */
import type { Endpoint } from "../../stack/address.ts";
import { Deadlines, type Expiring } from "../deadlines.ts";
import type { EventLoop } from "../event_loop.ts";
import { HostError, type HostNetwork, type HostStream } from "../host.ts";
import { DIAL_TIMEOUT_MS } from "../limits.ts";

/** What a dial tells. One of the two is called, once, and not from within a call; none after {@linkcode Dial.cancel}. */
export interface DialHandler {
  connected(stream: HostStream): void;
  failed(error: HostError): void;
}

/** A dial under way. */
export interface Dial {
  /** Gives it up. After its end it does nothing. */
  cancel(): void;
}

/** See the module's text. */
export class Dials {
  private readonly pending: Deadlines<PendingDial>;

  constructor(private readonly host: HostNetwork, loop: EventLoop) {
    this.pending = new Deadlines(loop, DIAL_TIMEOUT_MS);
  }

  /** How many are under way. */
  get size(): number {
    return this.pending.size;
  }

  /** Starts one. */
  dial(remote: Endpoint, handler: DialHandler): Dial {
    const dial = new PendingDial(remote, handler, this.pending);
    this.pending.add(dial);
    dial.start(this.host);
    return dial;
  }
}

class PendingDial implements Dial, Expiring {
  private readonly controller = new AbortController();
  private over = false;

  constructor(
    private readonly remote: Endpoint,
    private readonly handler: DialHandler,
    private readonly pending: Deadlines<PendingDial>,
  ) {}

  start(host: HostNetwork): void {
    host.dial(this.remote, { signal: this.controller.signal }).then(
      (stream) => {
        if (this.over) stream.close();
        else {
          this.end();
          this.handler.connected(stream);
        }
      },
      (error: unknown) => {
        if (this.over) return;
        this.end();
        this.handler.failed(error instanceof HostError ? error : new HostError("other", String(error)));
      },
    );
  }

  cancel(): void {
    if (this.over) return;
    this.end();
    this.controller.abort();
  }

  expire(): void {
    this.cancel();
    this.handler.failed(new HostError("timeout", "connection timed out"));
  }

  private end(): void {
    this.over = true;
    this.pending.delete(this);
  }
}
