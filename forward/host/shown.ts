/**
 * The end of a socket as people are to see it: one that is bound to no address has the address that it sends from.
 *
 * @module
 */
import type { Endpoint, IpAddress } from "../../stack/base/address.ts";

/** The end `local` of a socket, as people are to see it, that sends to `remote`. */
export type Shown = (local: Endpoint, remote: Endpoint) => Endpoint;

/** @param towards which address the system sends from; null: it doesn't say */
export function shownBy(towards: (remote: Endpoint) => IpAddress | null): Shown {
  return (local, remote) => {
    if (!local.address.bytes.every((byte) => byte === 0)) return local;
    return { address: towards(remote) ?? local.address, port: local.port };
  };
}

/** Shows it as it is, without asking. */
export const asBound: Shown = (local) => local;
