/**
 * Checks the addresses that names in the configuration resolve to.
 *
 * An address in the configuration is the user's choice. A name leaves the choice to the owner of its DNS zone, at the
 * start and at every later lookup. A stranger's answer must not open an address to the guest that the user has not opened
 * (DNS rebinding). So each resolved address is checked:
 *
 * | where the name stands | its address may not be |
 * | --- | --- |
 * | a range of `-allow` | on the list of what is never routed: loopback, link-local with the clouds' metadata service, ... |
 * | the target of a remote forward | there, or in a range of `-deny`; unless a range of `-allow` has it |
 * | the same, once it has led elsewhere | in the host's own networks; unless a range of `-allow` or `-enable-host` opens them |
 *
 * Names that the host itself defines (names/local_names.ts) may resolve to any address. An SRV record comes from a server
 * whose address is part of the forward, usually an agent on this host that announces services on this host; so it may
 * lead to loopback.
 *
 * A forward's name may resolve into the host's networks, because a server on the local network is a usual target. An
 * attacker's name belongs to a zone on the internet and resolves to an address there until it is trusted. So a name that
 * has once resolved to an address outside the host's networks may not resolve to one inside them afterwards.
 *
 * @module
 */
import { type Endpoint, formatEndpoint, type IpAddress } from "../../stack/base/address.ts";
import { LookupError } from "../names/lookup.ts";
import type { ForwardHost } from "../syntax/forward_spec.ts";
import { InvalidValue } from "../syntax/invalid_value.ts";
import type { Resolver } from "../syntax/resolver.ts";
import { embeddedIpv4 } from "../addresses/embedded.ts";
import type { Verdict } from "./policy.ts";
import { Prefix, PrefixSet } from "../addresses/prefix.ts";
import type { RangeNetwork } from "./range.ts";

/** The names that the host itself defines. */
export interface OwnNames {
  has(name: string): boolean;
}

/**
 * A resolver for ranges of `-allow`: rejects with an {@linkcode InvalidValue} if a name resolves to a forbidden address.
 *
 * @param never whether an address is never routed
 */
export function guardedResolver(
  resolve: Resolver,
  own: OwnNames,
  never: (address: IpAddress) => boolean,
): Resolver {
  return async (name) => {
    const found = await resolve(name);
    const forbidden = found.find(never);
    if (forbidden === undefined || own.has(name)) return found;
    throw new InvalidValue(`${forbidden} is never routed; to allow it, write the address instead of the name`);
  };
}

/** The part of the policy that {@linkcode NameGuard} asks. */
export interface TargetPolicy {
  verdict(network: RangeNetwork, address: IpAddress, port: number): Verdict;
}

const LOOPBACK = new PrefixSet(["127.0.0.0/8", "::1/128"].map(Prefix.parse));

/** Checks the addresses that the targets of remote forwards resolve to. */
export class NameGuard {
  /** Names that have resolved to addresses outside the host's networks; at most as many as the forwards have. */
  private readonly outside = new Set<string>();

  /** @param hostNetworks the host's own networks */
  constructor(
    private readonly policy: TargetPolicy,
    private readonly own: OwnNames,
    private readonly hostNetworks: { contains(address: IpAddress): boolean },
  ) {}

  /** Throws a {@linkcode LookupError} if the target of a remote forward may not resolve to that address. */
  check(network: RangeNetwork, host: ForwardHost, { address, port }: Endpoint): void {
    if (host.kind === "address" || this.own.has(host.name)) return;
    if (host.kind === "srv" && LOOPBACK.contains(address)) return;
    const { rule, allowed } = this.policy.verdict(network, address, port);
    if (rule === "allow") return;
    const refuse = (what: string) => new LookupError(`lookup ${host.name}: ${address} is ${what}`);
    const remedy = `-allow ${network}://${formatEndpoint({ address, port })} would let it`;
    if (rule === "deny") throw refuse("denied by -deny");
    if (rule === "static") throw refuse(`never routed; ${remedy}`);
    if (host.kind === "srv") return; // its server is the user's choice, and may move a service
    const inside = rule === "host" ||
      [address, ...embeddedIpv4(address)].some((one) => this.hostNetworks.contains(one));
    if (!inside) this.outside.add(host.name);
    else if (!allowed && this.outside.has(host.name)) {
      throw refuse(`in the host's own networks, and the name has led elsewhere before; ${remedy}`);
    }
  }
}
