/**
 * Chooses the host's network by the flags: libc's sockets or Deno's (`-sockets`), with or without the host's loopback
 * (`-host-loopback`).
 *
 * @module
 */
import type { HostNetwork } from "./host/host_network.ts";
import { LoopbackHost, pairsOf } from "./host/loopback.ts";
import type { SharedOptions } from "./cli/flags/options.ts";

/** The two ways to the host's network. They may be the same object. */
export interface Hosts {
  /** For the guest's connections and datagrams. */
  readonly host: HostNetwork;
  /** For local forwards, and for name servers on the host's loopback. */
  readonly listeners: HostNetwork;
}

/** Chooses by the flags. The function `libc` makes libc's sockets. It is called, and Deno's are loaded, only if wanted. */
export async function chooseHosts(
  options: Pick<SharedOptions, "sockets" | "hostLoopback" | "addresses" | "manner">,
  libc: () => Hosts,
): Promise<Hosts> {
  const { host, listeners } = options.sockets === "libc" ? libc() : await throughRuntime();
  const pairs = pairsOf(options);
  return { host: pairs.length > 0 ? new LoopbackHost(host, pairs) : host, listeners };
}

async function throughRuntime(): Promise<Hosts> {
  const { DenoHost } = await import("./host/deno.ts");
  const host = new DenoHost();
  return { host, listeners: host };
}
