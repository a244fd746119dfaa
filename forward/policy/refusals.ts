/**
 * What the policy refuses, said once for each rule and destination: a guest whose connections are refused looks the same
 * as one whose hosts refuse them, and only the policy knows the flag that would help.
 *
 * A guest can try any number of destinations. As many as {@linkcode MAX_REFUSALS_SAID} are remembered; when the memory is
 * full, that is said once, and nothing more until an hour has passed since the first. Then it starts again. So the lines
 * of an hour are bounded, whatever the guest does, and a refusal that is not said costs next to nothing.
 *
 * @module
 */
import type { IpAddress } from "../../stack/base/address.ts";
import type { PolicyNetwork } from "./range.ts";
import type { RefusingRule } from "./policy.ts";

/** Destinations that are said in an hour: what a person can read. */
export const MAX_REFUSALS_SAID = 256;

/** How long what was said is remembered, in ms. */
export const REFUSALS_MEMORY_MS = 60 * 60 * 1000;

/** What {@linkcode Refusals} needs. */
export interface RefusalsOptions {
  /** Says that a destination is refused. `port`: 0 for ICMP. */
  readonly say: (network: PolicyNetwork, address: IpAddress, port: number, rule: RefusingRule) => void;
  /** Says that further refusals are not said for a while. */
  readonly sayFull: () => void;
  /** A clock in ms that doesn't go back. */
  readonly now: () => number;
}

/** Remembers what was said. */
export class Refusals {
  private readonly said = new Set<string>();
  /** When the first of those that are remembered was said. */
  private since = -Infinity;
  private full = false;
  /** What was refused last, which is mostly what is refused next. */
  private lastNetwork: PolicyNetwork | null = null;
  private lastRule: RefusingRule | null = null;
  private lastAddress: IpAddress | null = null;
  private lastPort = 0;

  constructor(private readonly options: RefusalsOptions) {}

  /** The guest was refused. */
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
