/**
 * Counts the connections or associations of one kind, and keeps a table of the open ones. metered_observers.ts calls it for
 * the same events that print the lines on stdout. Without `-m` there are no meters.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../../stack/base/address.ts";
import { FlowCounters, type Outcome } from "../../report/outcomes.ts";
import type { NamedFlow, Traffic } from "../../report/flow_observers.ts";
import type { FlowVerdict } from "../../report/verdicts.ts";
import type { CountedFlow, NameEntry } from "../names/name_entry.ts";
import type { NameTable } from "../names/name_table.ts";
import type { LineNetwork } from "../../report/contract_lines.ts";

/** The origin of a flow: the guest, to any address; a client of a local forward; the guest, to a remote forward. */
export type FlowKind = "routed" | "local-fwd" | "remote-fwd";

/** The ends of a flow. */
export interface FlowEnds {
  /** The guest's end, and the end that this program plays towards the guest. */
  readonly guest: Endpoint;
  readonly guestPeer: Endpoint;
  /** This program's end on the host's network, and its peer there (of an association: the first peer). */
  readonly host: Endpoint;
  readonly hostPeer: Endpoint;
  /** The name and rule of a flow that was opened by a name. */
  readonly named?: NamedFlow | undefined;
}

/** A flow that is open. */
export interface OpenFlow extends FlowEnds {
  /** When it was opened, in ms of a clock that does not go back. */
  readonly openedAt: number;
  /** Its bytes, counted from the side that opened it; null: not counted. */
  readonly traffic: Traffic | null;
  /** The flow as it counts by name, and where; null: nowhere. */
  readonly counted: CountedFlow;
  readonly entry: NameEntry | null;
}

/** The counters and the open flows of one kind over one network. */
export class FlowMeter {
  readonly counters: FlowCounters = new FlowCounters();
  private readonly table = new Map<string, OpenFlow>();

  /**
   * @param names counts by name as well; null: nothing does
   * @param now the time in ms; given for tests
   */
  constructor(
    readonly kind: FlowKind,
    readonly network: LineNetwork,
    private readonly names: NameTable | null = null,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Counts a flow that was opened. */
  opened(ends: FlowEnds, traffic: Traffic | null = null): void {
    const { counters, table, names, kind } = this;
    counters.opened++;
    counters.open++;
    const isToGuest = kind === "local-fwd", counted = { traffic, isToGuest };
    const entry = names === null ? null : countIn(names, counted, ends);
    table.set(keyOf(ends), { ...ends, openedAt: this.now(), counted, traffic, entry });
  }

  /** Counts the end of an open flow. */
  done(ends: FlowEnds, outcome: Outcome): void {
    this.counters.open--;
    this.counters.ended[outcome]++;
    const key = keyOf(ends), flow = this.table.get(key);
    if (flow === undefined) return;
    this.table.delete(key);
    if (flow.entry !== null) this.names?.ended(flow.entry, flow.counted);
  }

  /** Counts a verdict about the first bytes of an open flow. */
  judged({ name, own: { port } }: NamedFlow, { refusal, shown }: FlowVerdict): void {
    if (refusal === null) return;
    this.names?.refusedShown(this.network, name, port, { reason: refusal, shown: shown?.name ?? null });
  }

  /** Counts a flow that could not be opened. */
  failed(outcome: Outcome): void {
    this.counters.ended[outcome]++;
  }

  /** The open flows. They may come and go during the iteration. */
  flows(): Iterable<OpenFlow> {
    return this.table.values();
  }
}

/** The host's address is not part of the key: for an unbound socket it is only a guess, which may change later. */
function keyOf({ guest, guestPeer, host, hostPeer }: FlowEnds): string {
  return `${formatEndpoint(guest)} ${formatEndpoint(guestPeer)} ${host.port} ${formatEndpoint(hostPeer)}`;
}

/** Counts a flow by name, or by the address of the guest's destination or of a local forward's client. */
function countIn(names: NameTable, flow: CountedFlow, { named, guestPeer, hostPeer }: FlowEnds): NameEntry {
  if (named !== undefined) return names.opened(flow, "name", named.name, named.rule);
  const address = flow.isToGuest ? hostPeer.address.toString() : formatEndpoint(guestPeer);
  return names.opened(flow, "address", address, null);
}
