/**
 * The lines on stdout about what the guest reaches.
 *
 * @module
 */
import type { Endpoint } from "../stack/address.ts";
import type { EndReport } from "./end_report.ts";
import { type LineNetwork, routingDone, routingError, routingNew } from "./lines.ts";
import type { Output } from "./output.ts";

/** Is told what becomes of the guest's connections, or of its associations. */
export interface FlowLog {
  /** One is open. `remote`: for an association, where its first datagram goes. */
  opened(guest: Endpoint, local: Endpoint, remote: Endpoint): void;
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
