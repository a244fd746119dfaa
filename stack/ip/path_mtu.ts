/**
 * Path MTUs that the guest has reported (RFC 8201): the largest IPv6 packet that reaches an address behind the guest,
 * if a link there has a smaller MTU than the guest's own. IPv6 routers do not fragment, so a larger datagram must be
 * fragmented here.
 *
 * The guest can forge a report, but that harms only datagrams to itself. A report never counts as less than IPv6's
 * minimum MTU, and it expires. The table is bounded: when it is full, the oldest report is dropped.
 *
 * @module
 */
import { IpAddress } from "../base/address.ts";
import type { PathMtuReports } from "../base/layers.ts";
import { IPV6_MINIMUM_MTU } from "../wire/ipv6.ts";

/** The most addresses in the table: more than the containers behind one guest. */
export const MAX_PATHS = 256;

/** The lifetime of a report, in ms: ten minutes (RFC 8201, section 4). Then larger packets are tried again. */
export const PATH_MTU_LIFETIME_MS = 600_000;

interface Path {
  readonly mtu: number;
  /** When the report expires, in ms of the stack's clock. */
  readonly until: number;
}

/** A bounded table from IPv6 address to path MTU. */
export class PathMtuTable implements PathMtuReports {
  /** By the text of the address, the oldest report first. */
  private readonly paths = new Map<string, Path>();

  /** @param clock the stack's time in ms */
  constructor(private readonly clock: () => number) {}

  /** The number of addresses in the table. */
  get size(): number {
    return this.paths.size;
  }

  /** The largest IPv6 packet to `destination` in bytes: the reported MTU, at most `linkMtu`. */
  towards(destination: IpAddress, linkMtu: number): number {
    if (this.paths.size === 0 || destination.version === 4) return linkMtu;
    const key = destination.toString();
    const path = this.paths.get(key);
    if (path === undefined) return linkMtu;
    if (path.until > this.clock()) return Math.min(path.mtu, linkMtu);
    this.paths.delete(key);
    return linkMtu;
  }

  report(bytes: Uint8Array, offset: number, mtu: number): void {
    const key = IpAddress.at(bytes, offset, 6).toString();
    this.paths.delete(key);
    if (this.paths.size >= MAX_PATHS) {
      for (const oldest of this.paths.keys()) {
        this.paths.delete(oldest);
        break;
      }
    }
    this.paths.set(key, { mtu: Math.max(mtu, IPV6_MINIMUM_MTU), until: this.clock() + PATH_MTU_LIFETIME_MS });
  }
}
