/**
 * One line of the table of names: a name that the guest uses or was refused, or an address that it reached without a name.
 *
 * @module
 */
import type { RefusalReason } from "../../policy/names/reasons.ts";
import type { Traffic } from "../../report/flow_observers.ts";
import type { NameLine } from "./document.ts";

/** An open flow, as far as the table needs it. */
export interface CountedFlow {
  /** Null: its bytes are not counted. */
  readonly traffic: Traffic | null;
  /** Whether a client of a local forward has opened it: then `traffic` counts from the client's side. */
  readonly isToGuest: boolean;
}

/** The last refusal of a name. */
export interface LastRefusal {
  readonly reason: RefusalReason;
  /** The other name that a flow has shown; null: none. */
  readonly shown: string | null;
  /** The flags that would let it; null: none would. */
  readonly remedy: string | null;
}

/** The counts of one name, or of several together. */
export class NameEntry {
  private flows = 0;
  private refusals = 0;
  /** Payload bytes of the flows that have ended, from the guest and to it. */
  private fromGuest = 0;
  private toGuest = 0;
  private rule: string | null = null;
  private last: LastRefusal | null = null;
  private readonly open = new Set<CountedFlow>();

  /** @param name in canonical form, or the text of an address */
  constructor(readonly name: string, private readonly kind: NameLine["kind"]) {}

  /** Whether a flow is open. */
  get isOpen(): boolean {
    return this.open.size > 0;
  }

  /** Whether it had a flow, and not only refusals. */
  get hadFlows(): boolean {
    return this.flows > 0;
  }

  /** Counts a flow that was opened. `rule`: the rule that allows it; null: no rule for names does. */
  opened(flow: CountedFlow, rule: string | null): void {
    this.open.add(flow);
    this.flows++;
    this.rule = rule;
  }

  /** Counts the end of a flow. */
  ended(flow: CountedFlow): void {
    if (!this.open.delete(flow)) return;
    const [fromGuest, toGuest] = bytesOf(flow);
    this.fromGuest += fromGuest;
    this.toGuest += toGuest;
  }

  /** Counts a refusal. */
  refused(refusal: LastRefusal): void {
    this.refusals++;
    this.last = refusal;
  }

  /** Adds the counts of an entry without open flows. */
  add({ flows, refusals, fromGuest, toGuest }: NameEntry): void {
    this.flows += flows;
    this.refusals += refusals;
    this.fromGuest += fromGuest;
    this.toGuest += toGuest;
  }

  /** The line about it now. */
  get line(): NameLine {
    const { name, kind, open, flows, refusals, rule, last } = this;
    let { fromGuest, toGuest } = this;
    for (const flow of open) {
      const [sent, answered] = bytesOf(flow);
      fromGuest += sent;
      toGuest += answered;
    }
    return {
      ...{ name, kind, open: open.size, flows, bytes_out: fromGuest, bytes_in: toGuest, refusals, rule },
      ...{ reason: last?.reason ?? null, shown: last?.shown ?? null, remedy: last?.remedy ?? null },
    };
  }
}

/** The bytes from the guest and to it. */
function bytesOf({ traffic, isToGuest }: CountedFlow): readonly [fromGuest: number, toGuest: number] {
  if (traffic === null) return [0, 0];
  const { sentBytes, answeredBytes } = traffic;
  return isToGuest ? [answeredBytes, sentBytes] : [sentBytes, answeredBytes];
}
