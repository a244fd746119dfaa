/**
 * Counts the connections or associations of one kind, and remembers which are open. It is told by the same calls from
 * which the lines on stdout are made (see metered_logs.ts); without metrics nobody makes one.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../../stack/base/address.ts";
import { FlowCounters, type Outcome } from "../../report/outcomes.ts";
import type { Traffic } from "../../report/flow_observers.ts";
import type { LineNetwork } from "../../report/contract_lines.ts";

/** Who asked for it: the guest, for any address; a client of a local forward; the guest, for a remote forward. */
export type FlowKind = "routed" | "local-fwd" | "remote-fwd";

/** The ends of a flow. */
export interface FlowEnds {
  /** The guest's end, and the one that this program plays towards it. */
  readonly guest: Endpoint;
  readonly guestPeer: Endpoint;
  /** This program's end on the host's network, and the other one there (of an association: the first). */
  readonly host: Endpoint;
  readonly hostPeer: Endpoint;
}

/** A flow that is open. */
export interface OpenFlow extends FlowEnds {
  /** Since when, in ms of a clock that does not go back. */
  readonly openedAt: number;
  /** Null where it is not counted here: TCP's is found in the stack. */
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

  /** One is open. */
  opened(ends: FlowEnds, traffic: Traffic | null = null): void {
    const { counters, table } = this;
    counters.opened++;
    counters.open++;
    table.set(keyOf(ends), { ...ends, openedAt: this.now(), traffic });
  }

  /** One that was open is over. */
  done(ends: FlowEnds, outcome: Outcome): void {
    this.counters.open--;
    this.counters.ended[outcome]++;
    this.table.delete(keyOf(ends));
  }

  /** One did not come about. */
  failed(outcome: Outcome): void {
    this.counters.ended[outcome]++;
  }

  /** Those that are open. They may come and go while somebody goes through them. */
  flows(): Iterable<OpenFlow> {
    return this.table.values();
  }
}

/** The host's address is not in it: that of an unbound socket is a guess for people, which may come out otherwise later. */
function keyOf({ guest, guestPeer, host, hostPeer }: FlowEnds): string {
  return `${formatEndpoint(guest)} ${formatEndpoint(guestPeer)} ${host.port} ${formatEndpoint(hostPeer)}`;
}
