/**
 * The host's name servers as they are now: the file that lists them is read again if the last reading is more than a
 * second old when a question comes.
 *
 * Servers are asked in the file's order. A server that was silent or could not be reached is asked after the others for
 * some time: otherwise each question would have to wait for the dead server first, and the guest might give up.
 *
 * @module
 */
import { DNS_PATIENCE_MS, DNS_REST_MS } from "../limits/timeouts.ts";
import { type NameServer, parseResolvConf, type ResolvConf } from "./host_resolv_conf.ts";

/** The file that lists the host's name servers. */
const RESOLV_CONF = "/etc/resolv.conf";

/** The maximum age of a reading, in ms. Reading a short file takes some 20 µs. */
const MAX_AGE = 1_000;

/** The least patience with a server, in ms, however many there are: resolv.conf counts in seconds. */
const MIN_PATIENCE = 1_000;

/** The options of {@linkcode NameServers}. */
export interface NameServersOptions {
  /** Reads a file whole. Throws if it can't. */
  readonly read: (path: string) => string;
  /** A clock in ms that doesn't go back. */
  readonly now: () => number;
  /** Called with the servers at the first reading, and each time that they have changed. */
  readonly changed?: ((servers: readonly NameServer[]) => void) | undefined;
  /** Called when the file exists but can't be read: once, until it can be read again. */
  readonly unreadable?: ((problem: Unreadable) => void) | undefined;
}

/** The file can't be read, so the host's name servers are not known, or may have changed. */
export interface Unreadable {
  readonly path: string;
  readonly reason: string;
  /** The servers that are asked all the same: those of the last reading, or this host itself. */
  readonly asked: readonly NameServer[];
}

/** The plan for asking a question. */
export interface Plan {
  /** At least one, in the order of asking. */
  readonly servers: readonly NameServer[];
  /** How often all of them are asked. */
  readonly rounds: number;
  /** How long to wait for a server before the next is asked, in ms. */
  readonly patience: number;
}

/** The transport of a question, from the guest and to a server alike. */
export type DnsNetwork = "udp" | "tcp";

/** The host's name servers. */
export class NameServers {
  private text: string | null = null;
  private conf: ResolvConf = parseResolvConf("");
  private readAt = -Infinity;
  private isUnreadable = false;
  private turn = 0;
  /** The time until which a server is asked after the others, in ms of the clock. */
  private readonly resting: Readonly<Record<DnsNetwork, Map<NameServer, number>>> = {
    udp: new Map<NameServer, number>(),
    tcp: new Map<NameServer, number>(),
  };

  constructor(private readonly options: NameServersOptions) {}

  /** The servers of the file, in its order. */
  get all(): readonly NameServer[] {
    this.look();
    return this.conf.servers;
  }

  /** The domains by which the host completes short names, in the file's order. */
  get searchDomains(): readonly string[] {
    this.look();
    return this.conf.search;
  }

  /** Makes the plan for the next question. */
  plan(network: DnsNetwork): Plan {
    this.look();
    const { timeout, attempts } = this.conf;
    const servers = this.inOrder(network);
    // The client waits as long as the host would wait for one server, so all of them share that time.
    const patience = Math.max(1_000 * timeout / servers.length, MIN_PATIENCE);
    const rounds = Math.max(1, Math.min(attempts, Math.floor(DNS_PATIENCE_MS / (patience * servers.length))));
    return { servers, rounds, patience };
  }

  /** The server was silent, or can't be reached. */
  failed(network: DnsNetwork, server: NameServer): void {
    if (this.conf.servers.includes(server)) this.resting[network].set(server, this.options.now() + DNS_REST_MS);
  }

  /** The server has answered. */
  answered(network: DnsNetwork, server: NameServer): void {
    this.resting[network].delete(server);
  }

  private inOrder(network: DnsNetwork): readonly NameServer[] {
    const { servers, rotate } = this.conf;
    const first = rotate ? this.turn++ % servers.length : 0;
    const order = [...servers.slice(first), ...servers.slice(0, first)];
    const resting = this.resting[network];
    if (resting.size === 0) return order;
    const now = this.options.now();
    const rests = (server: NameServer) => (resting.get(server) ?? 0) > now;
    return [...order.filter((server) => !rests(server)), ...order.filter(rests)];
  }

  private look(): void {
    if (this.options.now() - this.readAt < MAX_AGE) return;
    this.readAt = this.options.now();
    let problem: string | null = null;
    const text = this.read((reason) => problem = reason);
    if (text !== this.text) this.take(text);
    if (problem !== null && !this.isUnreadable) {
      this.options.unreadable?.({ path: RESOLV_CONF, reason: problem, asked: this.conf.servers });
    }
    this.isUnreadable = problem !== null;
  }

  private take(text: string): void {
    this.text = text;
    this.conf = parseResolvConf(text);
    this.resting.udp.clear();
    this.resting.tcp.clear();
    this.options.changed?.(this.conf.servers);
  }

  /**
   * If the file is missing, the last reading stays: the file may be back soon, or the host has none, which is the same as
   * an empty one (resolv.conf(5)). If it can't be read, the last reading stays too, but that is a fault: of its
   * permissions, or because it was moved to where the sandbox does not let the program read it.
   */
  private read(unreadable: (reason: string) => void): string {
    try {
      return this.options.read(RESOLV_CONF);
    } catch (error) {
      if (!isMissing(error)) unreadable(error instanceof Error ? error.message : String(error));
      return this.text ?? "";
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
