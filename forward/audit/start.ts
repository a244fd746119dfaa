/**
 * Starts the audit. This module is loaded only if there is one.
 *
 * @module
 */
import type { FlowObservers } from "../report/flow_observers.ts";
import type { Scheduler } from "../timers/scheduler.ts";
import { Audit } from "./audit.ts";
import { auditedObservers } from "./audited_observers.ts";
import { type AuditFile, AuditWriter } from "./audit_writer.ts";

/** An audit, and the function that adds it to the observers of flows. */
export class RunningAudit extends Audit {
  /** Wraps the observers of flows. */
  observe(observers: FlowObservers): FlowObservers {
    return auditedObservers(observers, this);
  }
}

/** Starts it. */
export function startAudit(file: AuditFile, scheduler: Scheduler): RunningAudit {
  return new RunningAudit({ writer: new AuditWriter(file, scheduler), now: Date.now });
}
