/**
 * Chooses the host's network by the flags: libc's sockets or Deno's (`-sockets`), with or without the host's loopback
 * (`-host-loopback`).
 *
 * @module
 */
import type { HostNetwork } from "./host/host_network.ts";
import { LoopbackHost, loopbackPairs } from "./host/loopback.ts";
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
  { sockets, hostLoopback, addresses }: Pick<SharedOptions, "sockets" | "hostLoopback" | "addresses">,
  libc: () => Hosts,
): Promise<Hosts> {
  const { host, listeners } = sockets === "libc" ? libc() : await throughRuntime();
  return { host: hostLoopback ? new LoopbackHost(host, loopbackPairs(addresses)) : host, listeners };
}

async function throughRuntime(): Promise<Hosts> {
  const { DenoHost } = await import("./host/deno.ts");
  const host = new DenoHost();
  return { host, listeners: host };
}
