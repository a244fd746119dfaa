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
 *
 * Names that the host itself gives a meaning to (local_names.ts) may stand for anything. An SRV record comes from a server
 * whose address the forward gives, mostly an agent on this host that tells of services on this host: it may lead to
 * loopback. The host's networks are open to a forward's target, as that is what such forwards are for.
 *
 * @module
 */
import { type Endpoint, formatEndpoint, type IpAddress } from "../../stack/address.ts";
import { LookupError } from "../names/lookup.ts";
import type { ForwardHost } from "../options/forward_spec.ts";
import { InvalidValue } from "../options/invalid_value.ts";
import type { Resolver } from "../options/resolver.ts";
import { unmap } from "./mapped.ts";
import type { Verdict } from "./policy.ts";
import { Prefix, PrefixSet } from "./prefix.ts";
import type { RangeNetwork } from "./range.ts";
import { NEVER_ROUTED } from "./static_list.ts";

/** Which names are the host's own. */
export interface OwnNames {
  has(name: string): boolean;
}

/** A resolver for ranges of `-allow`: rejects with an {@linkcode InvalidValue} where a name stands for what it may not. */
export function guardedResolver(resolve: Resolver, own: OwnNames): Resolver {
  return async (name) => {
    const found = await resolve(name);
    const forbidden = found.find((address) => NEVER_ROUTED.contains(unmap(address)));
    if (forbidden === undefined || own.has(name)) return found;
    throw new InvalidValue(`${forbidden} is never routed; to allow it, write the address in the place of the name`);
  };
}

/** What the guard of targets asks. */
export interface TargetPolicy {
  decide(network: RangeNetwork, address: IpAddress, port: number): Verdict;
}

const LOOPBACK = new PrefixSet(["127.0.0.0/8", "::1/128"].map(Prefix.parse));

/** See the module's text. */
export class NameGuard {
  constructor(private readonly policy: TargetPolicy, private readonly own: OwnNames) {}

  /** Throws a {@linkcode LookupError} if the target of a remote forward may not lead there. */
  check(network: RangeNetwork, host: ForwardHost, { address, port }: Endpoint): void {
    if (host.kind === "address" || this.own.has(host.name)) return;
    if (host.kind === "srv" && LOOPBACK.contains(address)) return;
    const { rule } = this.policy.decide(network, address, port);
    if (rule !== "deny" && rule !== "static") return;
    const what = rule === "deny"
      ? "denied by -deny"
      : `never routed; -allow ${network}://${formatEndpoint({ address, port })} would let it`;
    throw new LookupError(`lookup ${host.name}: ${address} is ${what}`);
  }
}
