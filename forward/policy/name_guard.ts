/**
 * What a name may stand for.
 *
 * Whoever writes an address into the configuration means it. Whoever writes a name leaves the address to whoever answers
 * for that name, today and at every later question: a stranger, who must not by his answer open to the guest what nobody
 * has opened (DNS rebinding). So what a name leads to is looked at:
 *
 * | where the name stands | its address may not be |
 * | --- | --- |
 * | a range of `-allow` | on the list of what is never routed: loopback, link-local with the clouds' metadata service, ... |
 * | the target of a remote forward | there, or in a range of `-deny`; unless a range of `-allow` has it |
 * | the same, once it has led elsewhere | in the host's own networks; unless a range of `-allow` or `-enable-host` opens them |
 *
 * Names that the host itself gives a meaning to (local_names.ts) may stand for anything. An SRV record comes from a server
 * whose address the forward gives, mostly an agent on this host that tells of services on this host: it may lead to
 * loopback.
 *
 * A forward's name may lead into the host's networks: the host's user has asked for it, and a server on the local network
 * is what such forwards are for. A name that is of use in an attack is another: it belongs to somebody on the internet, and
 * leads there until it is trusted. So one that has once led outside may not lead inside any more.
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
import { isNeverRouted } from "./static_list.ts";

/** Which names are the host's own. */
export interface OwnNames {
  has(name: string): boolean;
}

/** A resolver for ranges of `-allow`: rejects with an {@linkcode InvalidValue} where a name stands for what it may not. */
export function guardedResolver(resolve: Resolver, own: OwnNames): Resolver {
  return async (name) => {
    const found = await resolve(name);
    const forbidden = found.find(isNeverRouted);
    if (forbidden === undefined || own.has(name)) return found;
    throw new InvalidValue(`${forbidden} is never routed; to allow it, write the address in the place of the name`);
  };
}

/** What the guard of targets asks. */
export interface TargetPolicy {
  verdict(network: RangeNetwork, address: IpAddress, port: number): Verdict;
}

const LOOPBACK = new PrefixSet(["127.0.0.0/8", "::1/128"].map(Prefix.parse));

/** See the module's text. */
export class NameGuard {
  /** Names that have led out of the host's networks: as many as forwards have, at most. */
  private readonly outside = new Set<string>();

  /** @param hostNetworks the host's own networks */
  constructor(
    private readonly policy: TargetPolicy,
    private readonly own: OwnNames,
    private readonly hostNetworks: { contains(address: IpAddress): boolean },
  ) {}

  /** Throws a {@linkcode LookupError} if the target of a remote forward may not lead there. */
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
