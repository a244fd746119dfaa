/**
 * `/etc/resolv.conf` for a guest whose name server the program is.
 *
 * @module
 */
import type { IpAddress } from "../../stack/address.ts";

/** What the guest takes over as it is: how short names are completed, and how servers are asked. */
const KEPT = /^\s*(search|domain|options)\s/;

/**
 * The file's text: these name servers, and what the host's file says besides its own.
 *
 * @param host the text of the host's file; empty where there is none
 */
export function guestResolvConf(host: string, servers: readonly IpAddress[]): string {
  const lines = [
    "# made by slirpnetstack: the program asks the name servers of the host",
    ...servers.map((server) => `nameserver ${server}`),
    ...host.split("\n").filter((line) => KEPT.test(line)),
  ];
  return lines.map((line) => `${line}\n`).join("");
}
