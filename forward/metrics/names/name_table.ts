/**
 * What the guest has used and what was refused, by name: for `/names`, which the page at `/` and `slirpnetstack top` show.
 * A flow that was opened by address is counted for its address and port.
 *
 * At most {@linkcode MAX_NAMES_SHOWN} names are kept. When the table is full, the name that came first and has no open flow
 * goes.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../../stack/base/address.ts";
import type { RefusalReason } from "../../policy/names/reasons.ts";
import { ruleFor } from "../../policy/names/name_refusals.ts";
import type { AskedQuestion, DecisionObserver, RefusedFlow } from "../../report/decisions.ts";
import type { FlowObserver, FlowObservers, NamedFlow, Traffic } from "../../report/flow_observers.ts";
import type { LineNetwork } from "../../report/contract_lines.ts";
import type { FlowVerdict } from "../../report/verdicts.ts";

/** Names in the table at most. */
export const MAX_NAMES_SHOWN = 1_000;

/** A name, as the JSON has it. */
export interface NameRow {
  readonly name: string;
  /** The rule that allows it; null: none, or flows by address. */
  readonly rule: string | null;
  /** Open flows, and all since the start. */
  readonly flows: number;
  readonly opened: number;
  /** Payload from the guest and to it, in bytes. */
  readonly bytes_out: number;
  readonly bytes_in: number;
  /** Refused flows and questions, the last one's reason, and the rule that would have allowed it; null: none. */
  readonly refused: number;
  readonly reason: RefusalReason | null;
  readonly remedy: string | null;
}

/** A name in the table. */
interface Entry {
  readonly name: string;
  rule: string | null;
  opened: number;
  /** Of the flows that are over. */
  bytesOut: number;
  bytesIn: number;
  readonly open: Map<string, Traffic>;
  refused: number;
  reason: RefusalReason | null;
  remedy: string | null;
}

const NO_TRAFFIC: Traffic = { sentBytes: 0, answeredBytes: 0 };

/** The table. */
export class NameTable implements DecisionObserver {
  private readonly table = new Map<string, Entry>();

  /** All names, the first one first. */
  *rows(): Generator<NameRow> {
    for (const { name, rule, opened, bytesOut, bytesIn, open, refused, reason, remedy } of this.table.values()) {
      let bytes_out = bytesOut, bytes_in = bytesIn;
      for (const { sentBytes, answeredBytes } of open.values()) {
        bytes_out += sentBytes;
        bytes_in += answeredBytes;
      }
      yield { name, rule, flows: open.size, opened, bytes_out, bytes_in, refused, reason, remedy };
    }
  }

  /** Wraps the observers of the guest's own flows. */
  observe(observers: FlowObservers): FlowObservers {
    return {
      ...observers,
      routedTcp: this.observing(observers.routedTcp, "tcp"),
      routedUdp: this.observing(observers.routedUdp, "udp"),
    };
  }

  // decisions

  mayOpen(): boolean {
    return true;
  }

  answered(): void {}

  replaced(): void {}

  refusedQuestion({ name }: AskedQuestion, reason: RefusalReason): void {
    if (name !== null) this.refuse(name, reason, reason === "no_rule" ? ruleFor("dns", name, 0) : null);
  }

  refusedFlow({ network, to, name, reason }: RefusedFlow): void {
    const shown = name ?? (network === "icmp" ? to.address.toString() : formatEndpoint(to));
    const remedy = reason !== "no_rule" || network === "icmp"
      ? null
      : name !== null
      ? ruleFor(network, name, to.port)
      : `${network === "udp" ? "udp://" : ""}${formatEndpoint(to)}`;
    this.refuse(shown, reason, remedy);
  }

  private refuse(name: string, reason: RefusalReason, remedy: string | null): void {
    const entry = this.entryOf(name);
    entry.refused++;
    entry.reason = reason;
    entry.remedy = remedy;
  }

  private observing(inner: FlowObserver, network: LineNetwork): FlowObserver {
    const keyOf = (guest: Endpoint, local: Endpoint) => `${network} ${formatEndpoint(guest)} ${local.port}`;
    const nameOf = (remote: Endpoint, named: NamedFlow | undefined) => named?.name ?? formatEndpoint(remote);
    return {
      opened: (guest, local, remote, traffic, named) => {
        const entry = this.entryOf(nameOf(remote, named));
        entry.opened++;
        entry.rule = named?.rule ?? null;
        entry.open.set(keyOf(guest, local), traffic ?? NO_TRAFFIC);
        inner.opened(guest, local, remote, traffic, named);
      },
      judged: (guest, named, verdict: FlowVerdict) => {
        if (verdict.refusal !== null) this.refuse(named.name, verdict.refusal, null);
        inner.judged?.(guest, named, verdict);
      },
      done: (guest, local, remote, ends, named) => {
        const entry = this.table.get(nameOf(remote, named)), key = keyOf(guest, local);
        const traffic = entry?.open.get(key);
        if (entry !== undefined && traffic !== undefined) {
          entry.bytesOut += traffic.sentBytes;
          entry.bytesIn += traffic.answeredBytes;
          entry.open.delete(key);
        }
        inner.done(guest, local, remote, ends, named);
      },
      failed: inner.failed.bind(inner),
    };
  }

  private entryOf(name: string): Entry {
    const found = this.table.get(name);
    if (found !== undefined) return found;
    if (this.table.size >= MAX_NAMES_SHOWN) this.makeRoom();
    const entry: Entry = {
      ...{ name, rule: null, opened: 0, bytesOut: 0, bytesIn: 0, open: new Map<string, Traffic>() },
      ...{ refused: 0, reason: null, remedy: null },
    };
    if (this.table.size < MAX_NAMES_SHOWN) this.table.set(name, entry);
    return entry;
  }

  private makeRoom(): void {
    for (const { name, open } of this.table.values()) {
      if (open.size > 0) continue;
      this.table.delete(name);
      return;
    }
  }
}
