/**
 * The lines on stdout about what the guest reaches.
 *
 * @module
 */
import type { Endpoint } from "../../stack/base/address.ts";
import type { EndReport } from "./end_report.ts";
import { type LineNetwork, routingDone, routingError, routingNew } from "./contract_lines.ts";
import type { Output } from "./output.ts";

/** Bytes of payload that passed so far. */
export interface Traffic {
  /** From the side that asked, and to it. */
  readonly sentBytes: number;
  readonly answeredBytes: number;
}

/** Is told what becomes of the guest's connections, or of its associations. */
export interface FlowLog {
  /**
   * One is open.
   *
   * @param remote for an association, where its first datagram goes
   * @param traffic of an association; it goes on counting
   */
  opened(guest: Endpoint, local: Endpoint, remote: Endpoint, traffic?: Traffic): void;
  /** It is over. */
  done(guest: Endpoint, local: Endpoint, remote: Endpoint, ends: EndReport): void;
  /** One did not come about. */
  failed(guest: Endpoint, destination: Endpoint, ends: EndReport): void;
}

/** Prints it. */
export class FlowLines implements FlowLog {
  constructor(private readonly network: LineNetwork, private readonly output: Output) {}

  opened(guest: Endpoint, hostLocal: Endpoint, hostRemote: Endpoint): void {
    this.output.line(routingNew({ network: this.network, guest, hostLocal, hostRemote }));
  }

  done(guest: Endpoint, hostLocal: Endpoint, hostRemote: Endpoint, ends: EndReport): void {
    this.output.line(routingDone({ network: this.network, guest, hostLocal, hostRemote }, ends));
  }

  failed(guest: Endpoint, destination: Endpoint, ends: EndReport): void {
    this.output.line(routingError(this.network, guest, destination, ends));
  }
}

/** Prints nothing: `-quiet`. */
export const NO_LINES: FlowLog = { opened: () => {}, done: () => {}, failed: () => {} };
