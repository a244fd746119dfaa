/**
 * A local forward that is set up, and the source address that the guest sees for its clients.
 *
 * @module
 */
import type { Endpoint, IpAddress } from "../../../stack/base/address.ts";
import { isOnLink4, type StackAddresses } from "../../../stack/link/addresses.ts";
import type { LoopbackPair } from "../../host/loopback.ts";
import type { Target } from "../../names/target.ts";
import { neverRouted } from "../../policy/static_list.ts";

/** A local forward. */
export interface LocalForward {
  /** The address and port to listen on; port 0: any free port. */
  readonly bind: Endpoint;
  readonly target: Target;
  /** Whether a UDP client's flow ends after its first answer. */
  readonly oneAnswer: boolean;
  /** Whether clients are proxies: their data begins with the address that it really comes from. */
  readonly proxyProtocol: boolean;
  /** A wildcard stands for the addresses of its own IP version alone. */
  readonly oneVersion?: boolean | undefined;
}

/** The addresses that decide the choice. */
export interface OwnAddresses extends StackAddresses {
  /**
   * The addresses that stand for addresses of the host, when the guest's network is the host's. Not given: it is a network
   * of its own.
   */
  readonly mapped?: readonly LoopbackPair[] | undefined;
}

/** Addresses that mean something else to the guest than to the host, besides those of the guest's own network. */
const ELSEWHERE = neverRouted([]);

/**
 * Returns the source address that the guest sees for a client of a local forward. It is the client's own, unless that is
 * impossible (it has another version than the target, or is one of the guest's own) or has another meaning in the guest's
 * network, as the addresses of the static list do. In these cases it is the address that stands for the client's, or
 * otherwise the gateway's.
 */
export function sourceTowards(target: IpAddress, client: IpAddress | null, own: OwnAddresses): IpAddress {
  const keep = client !== null && client.version === target.version && !ELSEWHERE.contains(client) &&
    !client.equals(target) && !isOwn(client, own);
  if (keep) return client;
  const pair = own.mapped?.find(({ gateway, loopback }) =>
    client !== null && loopback.equals(client) && gateway.version === target.version
  );
  if (pair !== undefined) return pair.gateway;
  return target.version === 4 ? own.gateway4 : own.gateway6;
}

/** Whether an address is one of the guest's own, or of its network, unless that is the host's. */
function isOwn(client: IpAddress, own: OwnAddresses): boolean {
  if (client.version === 6) return client.equals(own.guest6);
  return own.mapped === undefined ? isOnLink4(own, client.bytes, 0) : client.equals(own.guest4);
}
