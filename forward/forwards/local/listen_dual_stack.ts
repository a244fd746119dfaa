/**
 * Listening on all addresses.
 *
 * As in the Go program, either wildcard means all addresses of both families: `0.0.0.0` listens on `::`, which takes
 * IPv4 as well, and is shown as that; only where that can't be had (a host without IPv6), on 0.0.0.0 itself.
 *
 * @module
 */
import { type Endpoint, IpAddress } from "../../../stack/base/address.ts";
import { HostError } from "../../host/port.ts";

const ANY_4 = IpAddress.parse("0.0.0.0"), ANY_6 = IpAddress.parse("::");

/** Opens a socket on `bind` by `open`, which throws a HostError where that is impossible. */
export function listenDualStack<T>(bind: Endpoint, open: (local: Endpoint) => T): T {
  if (!bind.address.equals(ANY_4)) return open(bind);
  try {
    return open({ address: ANY_6, port: bind.port });
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return open(bind);
  }
}
