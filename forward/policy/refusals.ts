/**
 * Reports the policy's refusals, once for each rule and destination, as a line on stderr and in the program's log. To the
 * guest, a refusal by the policy looks the same as a refusal by the host; the report names the flag that would help.
 *
 * A guest can try any number of destinations. {@linkcode MAX_REFUSALS_SAID} of them are remembered. When that table is
 * full, one more report says so, and nothing else is reported until an hour has passed since the first entry. Then the
 * table is cleared. So the number of reports an hour is bounded, and a refusal that is not reported costs next to nothing.
 *
 * @module
 */
import type { IpAddress } from "../../stack/base/address.ts";
import type { PolicyNetwork } from "./range.ts";
import type { RefusalObserver, RefusingRule } from "./policy.ts";

/** Destinations reported in an hour: as many as a person can read. */
export const MAX_REFUSALS_SAID = 256;

/** How long a reported destination is remembered, in ms. */
export const REFUSALS_MEMORY_MS = 60 * 60 * 1000;

/** The options of {@linkcode Refusals}. */
export interface RefusalsOptions {
  /** Reports a refused destination. `port`: 0 for ICMP. */
  readonly say: (network: PolicyNetwork, address: IpAddress, port: number, rule: RefusingRule) => void;
  /** Reports that further refusals are not reported for a while. */
  readonly sayFull: () => void;
  /** A clock in ms that doesn't go back. */
  readonly now: () => number;
}

/** The table of the refusals that were reported. */
export class Refusals implements RefusalObserver {
  private readonly said = new Set<string>();
  /** When the first entry was added. */
  private since = -Infinity;
  private full = false;
  /** The last refusal. The next one is mostly the same: a guest tries again. */
  private lastNetwork: PolicyNetwork | null = null;
  private lastRule: RefusingRule | null = null;
  private lastAddress: IpAddress | null = null;
  private lastPort = 0;

  constructor(private readonly options: RefusalsOptions) {}

  /** Reports a refusal of the guest, if it is new. */
  refused(network: PolicyNetwork, address: IpAddress, port: number, rule: RefusingRule): void {
    const now = this.options.now();
    if (now - this.since >= REFUSALS_MEMORY_MS) this.forget();
    if (this.full || this.isLast(network, address, port, rule)) return;
    this.lastNetwork = network;
    this.lastRule = rule;
    this.lastAddress = address;
    this.lastPort = port;
    const key = `${rule} ${network} ${address} ${port}`;
    if (this.said.has(key)) return;
    if (this.said.size === MAX_REFUSALS_SAID) {
      this.full = true;
      return this.options.sayFull();
    }
    if (this.said.size === 0) this.since = now;
    this.said.add(key);
    this.options.say(network, address, port, rule);
  }

  private isLast(network: PolicyNetwork, address: IpAddress, port: number, rule: RefusingRule): boolean {
    return port === this.lastPort && network === this.lastNetwork && rule === this.lastRule &&
      address.equals(this.lastAddress!);
  }

  private forget(): void {
    this.said.clear();
    this.full = false;
    this.lastNetwork = null;
  }
}
