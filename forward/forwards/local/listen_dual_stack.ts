/**
 * Listens on the wildcard addresses.
 *
 * As in the Go program, either wildcard means all addresses of both versions: `0.0.0.0` listens on `::`, which accepts
 * IPv4 as well, and is shown as `::`. A host without IPv6 has no `::`; only there it listens on 0.0.0.0 itself. A forward
 * for one IP version listens on the wildcard of that version alone, so that another forward can have the other.
 *
 * @module
 */
import type { Endpoint } from "../../../stack/base/address.ts";
import { WILDCARDS } from "../../addresses/wildcards.ts";
import { HostError } from "../../host/host_network.ts";
import type { LocalForward } from "./forward.ts";

/** Opens a socket for a forward by `open`, which throws a HostError if it can't. */
export function listenDualStack<T>({ bind, oneVersion }: LocalForward, open: (local: Endpoint) => T): T {
  if (oneVersion === true || !bind.address.equals(WILDCARDS[4])) return open(bind);
  try {
    return open({ address: WILDCARDS[6], port: bind.port });
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return open(bind);
  }
}
