/**
 * The names that this host itself defines: `localhost` (RFC 6761, section 6.3) and those of /etc/hosts.
 *
 * @module
 */

import { IpAddress } from "../../stack/base/address.ts";

const HOSTS = "/etc/hosts";

const LOOPBACK: readonly IpAddress[] = ["127.0.0.1", "::1"].map(IpAddress.parse);

/** The names of `localhost` and of /etc/hosts. */
export class LocalNames {
  /** @param read reads a file whole; throws if it can't */
  constructor(private readonly read: (path: string) => string) {}

  /** Whether the host defines the name now. */
  has(name: string): boolean {
    const wanted = keyOf(name);
    return isLocalhost(wanted) || this.lines().some((words) => words.includes(wanted, 1));
  }

  /** The addresses of such a name now; null: it is none of them. */
  addresses(name: string): readonly IpAddress[] | null {
    const wanted = keyOf(name);
    const lines = this.lines().filter((words) => words.includes(wanted, 1));
    const found = lines.map(([address = ""]) => IpAddress.tryParse(address)).filter((address) => address !== null);
    if (found.length > 0) return found;
    return isLocalhost(wanted) ? LOOPBACK : lines.length > 0 ? [] : null;
  }

  /** The file's lines, each an address and names. */
  private lines(): readonly (readonly string[])[] {
    try {
      const lines = this.read(HOSTS).toLowerCase().split("\n").map((line) => line.replace(/#.*/, "").trim());
      return lines.map((line) => line.split(/\s+/));
    } catch {
      return []; // the file need not exist
    }
  }
}

function keyOf(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

function isLocalhost(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost");
}
