/**
 * Decides whether the guest may reach a destination. The first of these rules that applies decides:
 *
 * | rule | verdict |
 * | --- | --- |
 * | `deny` | in a range of `-deny`: refused |
 * | `allow` | in a range of `-allow`: allowed |
 * | `static` | on the list of addresses that are never routed: refused |
 * | `host` | in the host's own networks: as `-enable-host` says |
 * | `routing` | anywhere else, where the host has only a default route: as `-enable-routing` says |
 *
 * An IPv4-mapped IPv6 destination is compared with the ranges as an IPv4 address, because the host would connect to that.
 * So a range for IPv6, however wide, does not open IPv4 addresses, and a range for IPv4 can't be bypassed. If no range
 * contains it, the static list refuses it.
 *
 * An IPv6 destination that a tunnel or translator takes to an IPv4 address (addresses/embedded.ts) is allowed no more than
 * that IPv4 address. The checks, in this order:
 *
 * | address | verdict |
 * | --- | --- |
 * | the IPv6 address | in a range of `-deny`: refused |
 * | the IPv4 address | refused by any rule but `routing`: refused. So no range for IPv6, however wide, opens it |
 * | the IPv6 address | in a range of `-allow`: allowed |
 * | the IPv4 address | refused: refused |
 * | the IPv6 address | another form of the IPv4 address (64:ff9b::a.b.c.d): allowed, because hosts behind NAT64 have no other way there. Else by the other rules |
 *
 * The policy is asked for every SYN and every datagram, so it allocates nothing except for IPv6 addresses with an embedded
 * IPv4 address.
 *
 * @module
 */
import type { IpAddress } from "../../stack/base/address.ts";
import { embeddedIpv4, isTranslated } from "../addresses/embedded.ts";
import { isMapped, MAPPED_OFFSET } from "../addresses/mapped.ts";
import { type PolicyNetwork, type Range, RangeList } from "./range.ts";
import type { PrefixSet } from "../addresses/prefix.ts";
import { NEVER_ROUTED } from "./static_list.ts";

/** The rule that decided. */
export type PolicyRule = "deny" | "allow" | "static" | "host" | "routing";

/** A rule that can refuse. */
export type RefusingRule = Exclude<PolicyRule, "allow">;

/** The answer of {@linkcode Policy.decide}. */
export interface Verdict {
  readonly allowed: boolean;
  readonly rule: PolicyRule;
}

/** Observes the refusals of a {@linkcode Policy}. */
export interface RefusalObserver {
  /** The policy has refused a destination to the guest. `port`: 0 for ICMP. */
  refused(network: PolicyNetwork, address: IpAddress, port: number, rule: RefusingRule): void;
}

/** The ranges and flags of a {@linkcode Policy}. */
export interface PolicyOptions {
  readonly allow: readonly Range[];
  readonly deny: readonly Range[];
  /** Whether the guest may reach the host's own networks. */
  readonly enableHost: boolean;
  /** Whether the guest may reach addresses to which the host has only a default route. */
  readonly enableRouting: boolean;
  /** The host's own networks. Not asked when both flags are on. */
  readonly hostNetworks: { contains(address: IpAddress): boolean };
  /** The addresses that are never routed; {@linkcode NEVER_ROUTED} unless given. */
  readonly never?: PrefixSet;
  /** Observes each refusal of the guest. */
  readonly refusals?: RefusalObserver | undefined;
}

const DENIED: Verdict = { allowed: false, rule: "deny" };
const ALLOWED: Verdict = { allowed: true, rule: "allow" };
const NONE: readonly IpAddress[] = [];
const STATIC: Verdict = { allowed: false, rule: "static" };

/** The number of refusals by each rule. */
export type Denials = Record<RefusingRule, number>;

/** The rules for a guest's way out. */
export class Policy {
  /** How often the guest was refused, by network and rule. */
  readonly denials: Readonly<Record<PolicyNetwork, Denials>> = {
    tcp: noDenials(),
    udp: noDenials(),
    icmp: noDenials(),
  };
  private deny: RangeList;
  private allow: RangeList;
  private readonly host: Verdict;
  private readonly routing: Verdict;
  private readonly never: PrefixSet;
  private readonly hostNetworks: PolicyOptions["hostNetworks"];
  private readonly refusals: PolicyOptions["refusals"];

  constructor(options: PolicyOptions) {
    this.deny = new RangeList(options.deny);
    this.allow = new RangeList(options.allow);
    this.host = { allowed: options.enableHost, rule: "host" };
    this.routing = { allowed: options.enableRouting, rule: "routing" };
    this.never = options.never ?? NEVER_ROUTED;
    this.hostNetworks = options.hostNetworks;
    this.refusals = options.refusals;
  }

  /** Replaces the ranges. */
  replaceRanges(allow: readonly Range[], deny: readonly Range[]): void {
    this.allow = new RangeList(allow);
    this.deny = new RangeList(deny);
  }

  /**
   * Decides an attempt of the guest to reach a port of an address. A refusal is counted and reported.
   *
   * @param port 0 for ICMP, which matches ranges without ports only
   */
  decide(network: PolicyNetwork, address: IpAddress, port: number): Verdict {
    const verdict = this.verdict(network, address, port);
    const { allowed, rule } = verdict;
    if (!allowed && rule !== "allow") {
      this.denials[network][rule]++;
      this.refusals?.refused(network, address, port, rule);
    }
    return verdict;
  }

  /** Decides likewise, without counting or reporting: the guest has made no attempt. */
  verdict(network: PolicyNetwork, address: IpAddress, port: number): Verdict {
    const { bytes } = address;
    const mapped = address.version === 6 && isMapped(bytes);
    const version = mapped ? 4 : address.version, offset = mapped ? MAPPED_OFFSET : 0;
    if (this.deny.contains(network, version, bytes, offset, port)) return DENIED;
    const embedded = version === 6 ? embeddedIpv4(address) : NONE;
    let behind: Verdict | null = null;
    for (let i = 0; i < embedded.length; i++) {
      const verdict = this.verdict(network, embedded[i], port);
      if (!verdict.allowed && verdict.rule !== "routing") return verdict;
      if (behind === null || behind.allowed) behind = verdict;
    }
    if (this.allow.contains(network, version, bytes, offset, port)) return ALLOWED;
    if (behind !== null && (!behind.allowed || isTranslated(address))) return behind;
    if (this.never.contains(address)) return STATIC;
    if (this.host.allowed && this.routing.allowed) return this.routing;
    return this.hostNetworks.contains(address) ? this.host : this.routing;
  }
}

function noDenials(): Denials {
  return { deny: 0, static: 0, host: 0, routing: 0 };
}
