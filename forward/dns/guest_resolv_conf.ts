/**
 * Makes `/etc/resolv.conf` for a guest whose name server is the program.
 *
 * @module
 */
import type { IpAddress } from "../../stack/base/address.ts";

/** The lines that are copied from the host's file: options, and the domains that complete short names. */
const OPTIONS = /^\s*options\s/, SEARCH = /^\s*(search|domain)\s/;

/** No short name is completed, even if the guest's own name has a domain (resolv.conf(5)). */
const NO_SEARCH = "search .";

/**
 * Returns the file's text: these name servers, and the options and search domains of the host's file.
 *
 * @param host the text of the host's file; empty if there is none
 * @param names the names that the servers answer for. Unless it is all, short names are not completed, as the servers would
 * refuse the completed names
 */
export function guestResolvConf(
  host: string,
  servers: readonly IpAddress[],
  names: "all" | "allowed" | "ruled" = "all",
): string {
  const kept = host.split("\n");
  const lines = [
    names === "all"
      ? "# made by slirpnetstack: the program asks the name servers of the host"
      : `# made by slirpnetstack: the program answers for the names ${
        names === "ruled" ? "that have rules" : "of -allow"
      }`,
    ...servers.map((server) => `nameserver ${server}`),
    ...kept.filter((line) => OPTIONS.test(line) || (names === "all" && SEARCH.test(line))),
    ...(names === "all" ? [] : [NO_SEARCH]),
  ];
  return lines.map((line) => `${line}\n`).join("");
}
