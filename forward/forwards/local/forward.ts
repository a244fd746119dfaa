/**
 * A local forward that is set up, and the source address that the guest sees for its clients.
 *
 * @module
 */
import type { Endpoint, IpAddress } from "../../../stack/base/address.ts";
import type { StackAddresses } from "../../../stack/link/addresses.ts";
import type { Target } from "../../names/target.ts";
import { NEVER_ROUTED } from "../../policy/static_list.ts";

/** A local forward. */
export interface LocalForward {
  /** The address and port to listen on; port 0: any free port. */
  readonly bind: Endpoint;
  readonly target: Target;
  /** Whether a UDP client's flow ends after its first answer. */
  readonly oneAnswer: boolean;
  /** Whether clients are proxies: their data begins with the address that it really comes from. */
  readonly proxyProtocol: boolean;
}

/** The addresses that decide the choice. */
export type OwnAddresses = Pick<StackAddresses, "gateway4" | "gateway6" | "guest4" | "guest6">;

/**
 * Returns the source address that the guest sees for a client of a local forward. It is the client's own, unless that is
 * impossible (it has another version than the target, or is one of the guest's own) or has another meaning in the guest's
 * network, as the addresses of the static list do. In these cases it is the gateway's.
 */
export function sourceTowards(target: IpAddress, client: IpAddress | null, own: OwnAddresses): IpAddress {
  const keep = client !== null && client.version === target.version && !NEVER_ROUTED.contains(client) &&
    !client.equals(target) && !client.equals(own.guest4) && !client.equals(own.guest6);
  if (keep) return client;
  return target.version === 4 ? own.gateway4 : own.gateway6;
}
