/**
 * The gate: it holds a connection or an association until its first bytes have shown the name that its rule demands.
 *
 *     connection  → guard for the rule's demand → splice
 *     association → QuicAdmission → its datagrams pass
 *
 * The host is dialled before that, so a refusal by the host reaches the guest, and a server may speak first if the rule
 * allows it. A beginning that can't be read, stalls or is too long is refused, and never judged by a weaker rule.
 *
 * @module
 */
import { HELD_MS, PARTING_MS } from "../limits/timeouts.ts";
import type { NameDemand } from "../policy/names/demand.ts";
import type { Gate, Guard, GuardedConnection } from "../tcp/guard.ts";
import { Deadlines } from "../timers/deadlines.ts";
import type { Scheduler } from "../timers/scheduler.ts";
import type { GuardParts } from "./flow_guard.ts";
import type { HeldBytes } from "./held_bytes.ts";
import { HelloGuard } from "./hello_guard.ts";
import { QuicAdmission } from "./quic_admission.ts";
import { RequestGuard } from "./request_guard.ts";

/** The gate of all flows. */
export class FlowGate implements Gate {
  private readonly parts: GuardParts;

  /** @param held counts the bytes that wait for a verdict, of all flows together */
  constructor(scheduler: Scheduler, held: HeldBytes) {
    this.parts = {
      scheduler,
      held,
      deadlines: new Deadlines(scheduler, HELD_MS),
      partings: new Deadlines(scheduler, PARTING_MS),
    };
  }

  guard(connection: GuardedConnection): Guard {
    const { shows } = connection.demand;
    return shows === "tls" ? new HelloGuard(connection, this.parts) : new RequestGuard(connection, this.parts);
  }

  /** Judges the datagrams of an association. */
  admission(demand: NameDemand): QuicAdmission {
    return new QuicAdmission(demand, this.parts.held, () => this.parts.scheduler.now());
  }
}
