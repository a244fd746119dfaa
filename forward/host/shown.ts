/**
 * The local end of a UDP socket as the lines show it: a socket that is bound to the wildcard is shown with the address
 * that its datagrams come from.
 *
 * @module
 */
import type { Endpoint, IpAddress } from "../../stack/base/address.ts";
import { isWildcard } from "../addresses/wildcards.ts";

/** Returns what to show for the end `local` of a socket that sends to `remote`. */
export type Shown = (local: Endpoint, remote: Endpoint) => Endpoint;

/** @param towards returns the address that the system sends from; null: not known */
export function shownBy(towards: (remote: Endpoint) => IpAddress | null): Shown {
  return (local, remote) => {
    if (!isWildcard(local.address)) return local;
    return { address: towards(remote) ?? local.address, port: local.port };
  };
}

/** Shows the end as it is bound, without asking the system. */
export const asBound: Shown = (local) => local;
