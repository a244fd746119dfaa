/**
 * Counts the connections or associations of one kind, and keeps a table of the open ones. metered_observers.ts calls it for
 * the same events that print the lines on stdout. Without `-m` there are no meters.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../../stack/base/address.ts";
import { FlowCounters, type Outcome } from "../../report/outcomes.ts";
import type { NamedFlow, Traffic } from "../../report/flow_observers.ts";
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
  /** Null for TCP, whose bytes the stack counts. */
  readonly traffic: Traffic | null;
}

/** The counters and the open flows of one kind over one network. */
export class FlowMeter {
  readonly counters: FlowCounters = new FlowCounters();
  private readonly table = new Map<string, OpenFlow>();

  /** @param now the time in ms; given for tests */
  constructor(
    readonly kind: FlowKind,
    readonly network: LineNetwork,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Counts a flow that was opened. */
  opened(ends: FlowEnds, traffic: Traffic | null = null): void {
    const { counters, table } = this;
    counters.opened++;
    counters.open++;
    table.set(keyOf(ends), { ...ends, openedAt: this.now(), traffic });
  }

  /** Counts the end of an open flow. */
  done(ends: FlowEnds, outcome: Outcome): void {
    this.counters.open--;
    this.counters.ended[outcome]++;
    this.table.delete(keyOf(ends));
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
