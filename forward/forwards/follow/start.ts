/**
 * Starts to follow what listens in the guest.
 *
 * @module
 */
import type { SharedOptions } from "../../cli/flags/options.ts";
import { PortFollower, type PortFollowerOptions } from "./follower.ts";

/** The ports that clients get, where the system does not say (Linux' own). */
const CLIENT_PORTS = [32_768, 60_999] as const;

/** Resolves after the first look, with a function that ends it. `read`: reads a file of the host whole, or throws. */
export async function followGuest(
  { addresses: { guest4, guest6 }, manner }: Pick<SharedOptions, "addresses" | "manner">,
  listening: PortFollowerOptions["read"],
  table: PortFollowerOptions["table"],
  read: (path: string) => string,
): Promise<() => void> {
  const follower = new PortFollower({
    networks: manner.follow ?? [],
    guests: { 4: manner.fixedIpv4 === false ? null : guest4, 6: manner.ipv6 ? guest6 : null },
    read: listening,
    table,
    clientPorts: clientPorts(read),
  });
  await follower.start();
  return () => follower.close();
}

function clientPorts(read: (path: string) => string): readonly [number, number] {
  try {
    const [, first, last] = /^(\d+)\s+(\d+)/.exec(read("/proc/sys/net/ipv4/ip_local_port_range")) ?? [];
    return first === undefined ? CLIENT_PORTS : [Number(first), Number(last)];
  } catch {
    return CLIENT_PORTS;
  }
}
