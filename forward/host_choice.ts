/**
 * The host's network as the flags want it, both for what goes out to it and for those who come from there. The program's
 * own sockets need fewer system calls than the runtime's and no promises, take bursts of datagrams as they come, and are
 * told of ICMP errors. With `-sockets deno`, streams go out through the runtime's, unless they need a source address,
 * for which these have no call.
 *
 * @module
 */
import type { HostNetwork } from "./host.ts";
import { DenoHost } from "./host_deno.ts";
import type { Resetter } from "./host_deno_stream.ts";
import { LoopbackHost, LOOPBACKS } from "./host_loopback.ts";
import type { SharedOptions } from "./options/options.ts";

/** The program's own sockets. */
export interface OwnSockets {
  /** Those that go out, from the source addresses that the flags name. */
  readonly outgoing: HostNetwork;
  readonly listeners: HostNetwork;
  /** Resets a connection of the runtime's. */
  readonly resets: { readonly reset: Resetter };
}

/** Where the guest's connections and datagrams go out. */
export function outgoingHost(options: SharedOptions, { outgoing, listeners, resets }: OwnSockets): HostNetwork {
  const { sockets, sourceIpv4, sourceIpv6 } = options;
  const own = sockets === "libc" || sourceIpv4 !== null || sourceIpv6 !== null;
  const reset: Resetter = (local, remote) => resets.reset(local, remote);
  const host = own ? outgoing : throughRuntime(new DenoHost(reset), outgoing, listeners);
  return options.hostLoopback ? new LoopbackHost(host, LOOPBACKS) : host;
}

function throughRuntime(runtime: HostNetwork, outgoing: HostNetwork, listeners: HostNetwork): HostNetwork {
  return {
    // the runtime's have no interface either
    dial: (remote, options) => (options?.zone === undefined ? runtime : outgoing).dial(remote, options),
    listen: (local, accepted) => listeners.listen(local, accepted),
    datagram: (local, handler, options) => outgoing.datagram(local, handler, options),
  };
}
