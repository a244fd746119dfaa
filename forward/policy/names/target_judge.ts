/**
 * Judges the addresses that a rule's name resolves to. The owner of the name chooses them, so they must not open anything
 * that the user has not opened (DNS rebinding).
 *
 * | address | verdict |
 * | --- | --- |
 * | of a name that the host itself defines (/etc/hosts, localhost), if a rule is about that very name | may be used |
 * | in a range that is denied | denied |
 * | in a range that is allowed | may be used |
 * | never routed | refused |
 * | in the host's own networks, or leading there in any form of embedding | as `-enable-host` says |
 * | any other | may be used |
 *
 * @module
 */
import type { IpAddress } from "../../../stack/base/address.ts";
import type { OwnNames, TargetPolicy } from "../name_guard.ts";
import type { RangeNetwork } from "../range.ts";
import type { RefusalReason } from "./reasons.ts";

/** Judges addresses of names. */
export class TargetJudge {
  /**
   * @param policy the policy for addresses, in which routing is off
   * @param local the names that the host itself defines
   */
  constructor(private readonly policy: TargetPolicy, private readonly local: OwnNames) {}

  /** The reason why a flow to the name must not go to that address; null: it may. */
  refusal(network: RangeNetwork, name: string, address: IpAddress, port: number): RefusalReason | null {
    const { allowed, rule } = this.policy.verdict(network, address, port);
    if (allowed) return null;
    if (rule === "deny") return "denied";
    if (rule === "routing" || this.local.has(name)) return null;
    return rule === "host" ? "host_network" : "never_routed";
  }
}
