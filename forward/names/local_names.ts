/**
 * The names that this host itself defines: `localhost` (RFC 6761, section 6.3) and those of /etc/hosts.
 *
 * @module
 */

const HOSTS = "/etc/hosts";

/** The names of `localhost` and of /etc/hosts. */
export class LocalNames {
  /** @param read reads a file whole; throws if it can't */
  constructor(private readonly read: (path: string) => string) {}

  /** Whether the host defines the name now. */
  has(name: string): boolean {
    const wanted = name.toLowerCase().replace(/\.$/, "");
    return wanted === "localhost" || wanted.endsWith(".localhost") || this.hosts().includes(wanted);
  }

  private hosts(): readonly string[] {
    try {
      const lines = this.read(HOSTS).toLowerCase().split("\n").map((line) => line.replace(/#.*/, "").trim());
      return lines.flatMap((line) => line.split(/\s+/).slice(1));
    } catch {
      return []; // the file need not exist
    }
  }
}
