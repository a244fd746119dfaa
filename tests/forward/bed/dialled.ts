/**
 * Dials as promises, for tests that wait for one outcome after another.
 *
 * @module
 */
import type { DialOptions, HostNetwork, HostStream } from "../../../forward/host/host_network.ts";
import type { Endpoint } from "../../../stack/base/address.ts";

/** The stream of a dial that succeeds. Rejects with what the dial failed with. */
export function dialled(host: HostNetwork, remote: Endpoint, options?: DialOptions): Promise<HostStream> {
  return new Promise((resolve, reject) => host.dial(remote, { connected: resolve, failed: reject }, options));
}
