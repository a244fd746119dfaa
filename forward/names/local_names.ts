/**
 * The names that this host itself defines: `localhost` (RFC 6761, section 6.3) and those of /etc/hosts.
 *
 * @module
 */

import { IpAddress } from "../../stack/base/address.ts";

const HOSTS = "/etc/hosts";

const LOOPBACK: readonly IpAddress[] = ["127.0.0.1", "::1"].map(IpAddress.parse);

/** How old a reading of the file may be, in ms: a guest may ask for names thousands of times a second. */
const MAX_AGE = 1_000;

/** The names of `localhost` and of /etc/hosts. */
export class LocalNames {
  private text = "";
  private names: ReadonlyMap<string, readonly IpAddress[]> = new Map<string, readonly IpAddress[]>();
  private readAt = -Infinity;

  /**
   * @param read reads a file whole; throws if it can't
   * @param now a clock in ms that doesn't go back. Not given: the file is read each time
   */
  constructor(
    private readonly read: (path: string) => string,
    private readonly now: () => number = () => Infinity,
  ) {}

  /** Whether the host defines the name now. */
  has(name: string): boolean {
    const wanted = keyOf(name);
    return isLocalhost(wanted) || this.table().has(wanted);
  }

  /**
   * The addresses of such a name now; null: it is none of them. A name that stands beside an unspecified address, as lists
   * of names to block have it, has none.
   */
  addresses(name: string): readonly IpAddress[] | null {
    const wanted = keyOf(name);
    const found = this.table().get(wanted);
    return isLocalhost(wanted) && (found === undefined || found.length === 0) ? LOOPBACK : found ?? null;
  }

  private table(): ReadonlyMap<string, readonly IpAddress[]> {
    const now = this.now();
    if (now - this.readAt < MAX_AGE) return this.names;
    this.readAt = now;
    const text = this.readIfThere();
    if (text === this.text) return this.names;
    this.text = text;
    return this.names = parseHosts(text);
  }

  private readIfThere(): string {
    try {
      return this.read(HOSTS);
    } catch {
      return ""; // the file need not exist
    }
  }
}

/** The names of the file, in lower case, with their addresses. */
function parseHosts(text: string): ReadonlyMap<string, readonly IpAddress[]> {
  const names = new Map<string, IpAddress[]>();
  for (const line of text.toLowerCase().split("\n")) {
    const [first = "", ...words] = line.replace(/#.*/, "").trim().split(/\s+/);
    const address = IpAddress.tryParse(first);
    const isUsable = address !== null && address.bytes.some((byte) => byte !== 0);
    for (const word of words) {
      const known = names.get(word) ?? [];
      if (isUsable) known.push(address);
      names.set(word, known);
    }
  }
  return names;
}

function keyOf(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

function isLocalhost(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost");
}
