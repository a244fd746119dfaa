/**
 * The base of all guards: it bounds the bytes and the time that a connection may take, and refuses connections.
 *
 * @module
 */
import type { TcpFailure, TcpFlow } from "../../stack/tcp/flow.ts";
import { MAX_HELD_FLOW_BYTES } from "../limits/limits.ts";
import { EndReasons } from "../report/end_report.ts";
import type { RefusalReason } from "../policy/names/reasons.ts";
import type { Shown } from "../report/verdicts.ts";
import type { Guard, GuardedConnection } from "../tcp/guard.ts";
import type { Deadlines, Expiring } from "../timers/deadlines.ts";
import type { Scheduler } from "../timers/scheduler.ts";
import type { HeldBytes } from "./held_bytes.ts";
import { ACCESS_DENIED, forbidden, Parting } from "./parting.ts";

/** The parts that all guards share. */
export interface GuardParts {
  readonly scheduler: Scheduler;
  readonly held: HeldBytes;
  /** The deadlines of connections that have not shown their name. */
  readonly deadlines: Deadlines<FlowGuard>;
  readonly partings: Deadlines<Parting>;
}

/** The protocol in which a refusal is reported to the guest; null: by a reset. */
export type Language = "tls" | "http" | null;

/** Received bytes: `bytes[start..end)`. Valid until more are received or consumed. */
export interface Received {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** A buffer to join bytes that were received in pieces. Its contents are valid only during a call. */
const joined = new Uint8Array(MAX_HELD_FLOW_BYTES);

/** A guard of one connection. */
export abstract class FlowGuard implements Guard, Expiring {
  protected flow: TcpFlow | null = null;
  /** Whether there is nothing more to guard. */
  protected over = false;
  private held = 0;
  private isTimed = false;
  private parting: Parting | null = null;

  constructor(protected readonly connection: GuardedConnection, protected readonly parts: GuardParts) {}

  get isParting(): boolean {
    return this.parting !== null;
  }

  start(flow: TcpFlow): void {
    this.flow = flow;
    this.startTime();
    this.started(flow);
  }

  reset(): void {
    if (this.parting !== null) return this.parting.expire();
    if (this.over) return;
    this.finish();
    this.flow?.abort();
  }

  spliceEnded(): void {
    this.finish();
  }

  expire(): void {
    this.isTimed = false;
    this.timeIsUp();
  }

  abstract established(): void;
  abstract readable(): void;
  abstract writable(): void;
  abstract closed(failure: TcpFailure | null): void;

  /** Called once, when the flow exists. */
  protected abstract started(flow: TcpFlow): void;
  /** The time for the name is up. */
  protected abstract timeIsUp(): void;

  /** The guest's received bytes that are not consumed, at most MAX_HELD_FLOW_BYTES of them; null: there are none. */
  protected received(flow: TcpFlow): Received | null {
    const chunk = flow.peek();
    if (chunk === null) return null;
    const { block, offset, length } = chunk;
    if (length >= flow.readable) return { bytes: block.bytes, start: offset, end: offset + length };
    return { bytes: joined, start: 0, end: flow.copyReceived(joined) };
  }

  /** Waits for more bytes of the connection, `wanted` in all. Returns a reason if it may not wait; null: it may. */
  protected hold(flow: TcpFlow, wanted: number): RefusalReason | null {
    const { readable } = flow;
    if (wanted > MAX_HELD_FLOW_BYTES || readable >= MAX_HELD_FLOW_BYTES) return "too_long";
    if (!this.parts.held.change(this.held, readable)) return "limit";
    this.held = readable;
    this.startTime();
    return null;
  }

  /** Stops the deadline, and releases the held bytes. */
  protected release(): void {
    if (this.isTimed) this.parts.deadlines.delete(this);
    this.isTimed = false;
    this.parts.held.change(this.held, 0);
    this.held = 0;
  }

  /** There is nothing more to guard. */
  protected finish(): void {
    this.over = true;
    this.release();
  }

  /** Refuses the connection, and tells the guest in its protocol. */
  protected turnAway(reason: RefusalReason, shown: Shown | null, language: Language): void {
    const { flow } = this, { splice, parted } = this.connection;
    this.finish();
    splice.ends.record("l-read", EndReasons.NOT_ALLOWED);
    if (flow === null || language === null) flow?.abort();
    else {
      const words = language === "tls" ? ACCESS_DENIED : forbidden(this.connection, shown?.name ?? null, reason);
      this.parting = new Parting(flow, words, this.parts.partings, () => {
        this.parting = null;
        parted();
      });
    }
    splice.abort();
    this.parting?.start();
  }

  private startTime(): void {
    if (this.isTimed) return;
    this.isTimed = true;
    this.parts.deadlines.add(this);
  }
}
