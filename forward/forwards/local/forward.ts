/**
 * A local forward that is set up, and what the guest gets to see of its clients.
 *
 * @module
 */
import type { Endpoint, IpAddress } from "../../../stack/base/address.ts";
import type { StackAddresses } from "../../../stack/link/addresses.ts";
import type { Target } from "../../names/target.ts";
import { NEVER_ROUTED } from "../../policy/static_list.ts";

/** A local forward. */
export interface LocalForward {
  /** Where it listens; port 0: any free one. */
  readonly bind: Endpoint;
  readonly target: Target;
  /** An exchange is over after one answer. */
  readonly oneAnswer: boolean;
  /** What comes in starts with the address that it really comes from. */
  readonly proxyProtocol: boolean;
}

/** The addresses that matter here. */
export type OwnAddresses = Pick<StackAddresses, "gateway4" | "gateway6" | "guest4" | "guest6">;

/**
 * The address that the guest sees a client of a local forward come from: the client's own, unless that can't be (it is
 * of another family than the target, or the guest's own) or would mean something else in the guest's network, as those
 * in the static list do. Then it is the program's.
 */
export function sourceTowards(target: IpAddress, client: IpAddress | null, own: OwnAddresses): IpAddress {
  const keep = client !== null && client.version === target.version && !NEVER_ROUTED.contains(client) &&
    !client.equals(target) && !client.equals(own.guest4) && !client.equals(own.guest6);
  if (keep) return client;
  return target.version === 4 ? own.gateway4 : own.gateway6;
}
