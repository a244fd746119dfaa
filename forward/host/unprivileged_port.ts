/**
 * Advice to a user who wants to listen on a port that the system keeps for privileged programs (ip(7),
 * "ip_unprivileged_port_start"; it holds for IPv6 as well).
 *
 * @module
 */
import { HostError } from "./host_network.ts";

/** The name of the setting for sysctl(8). */
const SETTING = "net.ipv4.ip_unprivileged_port_start";

/** The first port that every user may listen on: 1,024 by default, and if the setting can't be read. */
export function unprivilegedPortStart(): number {
  try {
    return Number(Deno.readTextFileSync(`/proc/sys/${SETTING.replaceAll(".", "/")}`));
  } catch {
    return 1_024;
  }
}

/**
 * Returns advice about a failure to listen on a port, to be appended to the reason; empty: none applies.
 *
 * @param start returns the first port that every user may listen on
 */
export function portAdvice(error: unknown, port: number, start: () => number = unprivilegedPortStart): string {
  if (!(error instanceof HostError) || error.failure !== "prohibited" || port === 0) return "";
  const first = start();
  if (port >= first) return "";
  return ` (ports below ${first} need CAP_NET_BIND_SERVICE; sysctl -w ${SETTING}=${port} gives this one to everybody)`;
}
