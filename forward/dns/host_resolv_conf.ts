/**
 * The host's `/etc/resolv.conf` (resolv.conf(5)): the host's name servers, the timeouts for them, and the domains by which
 * it completes short names.
 *
 * @module
 */
import { IpAddress } from "../../stack/base/address.ts";

/** A name server of the host. */
export interface NameServer {
  readonly address: IpAddress;
  /** The interface of a link-local address, by name or number; null: any. */
  readonly zone: string | null;
}

/** The contents of the file. */
export interface ResolvConf {
  /** At least one. */
  readonly servers: readonly NameServer[];
  /** Domains by which short names are completed; the root is not among them. */
  readonly search: readonly string[];
  /** How long to wait for a server before another is asked, in seconds. */
  readonly timeout: number;
  /** How often each server is asked. */
  readonly attempts: number;
  /** Whether the servers take turns at being asked first. */
  readonly rotate: boolean;
}

/** Numbers of the C library: MAXNS, RES_TIMEOUT, RES_DFLRETRY, RES_MAXRETRANS, RES_MAXRETRY (resolv.h). */
const MAX_SERVERS = 3;
const TIMEOUT = 5, MAX_TIMEOUT = 30;
const ATTEMPTS = 2, MAX_ATTEMPTS = 5;

/** The server that is asked if the file lists none, or does not exist. */
const LOCAL: NameServer = { address: IpAddress.of([127, 0, 0, 1]), zone: null };

/** Parses the file's text. Lines that make no sense are skipped, as the C library does. */
export function parseResolvConf(text: string): ResolvConf {
  const servers: NameServer[] = [];
  let search: readonly string[] = [];
  let timeout = TIMEOUT, attempts = ATTEMPTS, rotate = false;
  for (const line of text.split("\n")) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === "nameserver") {
      const server = parseServer(values[0] ?? "");
      if (server !== null && servers.length < MAX_SERVERS) servers.push(server);
    } else if (keyword === "search" || keyword === "domain") { // the last one counts
      const domains = keyword === "search" ? values : values.slice(0, 1);
      search = domains.filter((domain) => domain !== "" && domain !== ".");
    } else if (keyword === "options") {
      for (const value of values) {
        timeout = numberOf(value, "timeout:", MAX_TIMEOUT) ?? timeout;
        attempts = numberOf(value, "attempts:", MAX_ATTEMPTS) ?? attempts;
        if (value === "rotate") rotate = true;
      }
    }
  }
  return { servers: servers.length === 0 ? [LOCAL] : servers, search, timeout, attempts, rotate };
}

/** `192.0.2.1`, `2001:db8::1`, `fe80::1%eth0`. */
function parseServer(text: string): NameServer | null {
  const [address, zone] = text.split("%", 2);
  const parsed = IpAddress.tryParse(address!);
  return parsed === null ? null : { address: parsed, zone: zone || null };
}

/** The number after `prefix`, at least 1 and at most `most`; null: the text is another option. */
function numberOf(text: string, prefix: string, most: number): number | null {
  if (!text.startsWith(prefix)) return null;
  const digits = text.slice(prefix.length);
  return /^\d+$/.test(digits) ? Math.min(Math.max(Number(digits), 1), most) : null;
}
