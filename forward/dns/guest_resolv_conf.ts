/**
 * `/etc/resolv.conf` for a guest whose name server the program is.
 *
 * @module
 */
import type { IpAddress } from "../../stack/base/address.ts";

/** What the guest takes over as it is: how servers are asked, and how short names are completed. */
const OPTIONS = /^\s*options\s/, SEARCH = /^\s*(search|domain)\s/;

/** Names are asked for as they are, also where the guest's own name has a domain (resolv.conf(5)). */
const NO_SEARCH = "search .";

/**
 * The file's text: these name servers, and what the host's file says besides its own.
 *
 * @param host the text of the host's file; empty where there is none
 * @param names those that the servers answer for: where it is only the names of `-allow`, short names are not completed,
 * as the name server would refuse what they are completed to
 */
export function guestResolvConf(host: string, servers: readonly IpAddress[], names: "all" | "allowed" = "all"): string {
  const kept = host.split("\n");
  const lines = [
    names === "all"
      ? "# made by slirpnetstack: the program asks the name servers of the host"
      : "# made by slirpnetstack: the program answers for the names of -allow",
    ...servers.map((server) => `nameserver ${server}`),
    ...kept.filter((line) => OPTIONS.test(line) || (names === "all" && SEARCH.test(line))),
    ...(names === "all" ? [] : [NO_SEARCH]),
  ];
  return lines.map((line) => `${line}\n`).join("");
}
