/**
 * The host's name servers as they are now: the file that names them is looked at again when somebody asks and the last
 * look is a second old.
 *
 * Servers are asked in the file's order. One that was silent or could not be reached goes behind the others for a while:
 * the guest's own patience is at its end when all that comes after a server that is down has been asked, so what one
 * question found out must serve the next.
 *
 * @module
 */
import { DNS_PATIENCE_MS, DNS_REST_MS } from "../limits/timeouts.ts";
import { type NameServer, parseResolvConf, type ResolvConf } from "./host_resolv_conf.ts";

/** Where the host's name servers are written down. */
const RESOLV_CONF = "/etc/resolv.conf";

/** How old a reading may be, in ms. Reading a short file takes some 20 µs. */
const MAX_AGE = 1_000;

/** A server's patience is at least this many ms, however many there are: resolv.conf counts in seconds. */
const MIN_PATIENCE = 1_000;

/** What {@linkcode NameServers} needs of the world. */
export interface NameServersOptions {
  /** Reads a file whole. Throws if it can't. */
  readonly read: (path: string) => string;
  /** A clock in ms that doesn't go back. */
  readonly now: () => number;
  /** Is told the servers that are asked from now on, at the first look and when they change. */
  readonly changed?: ((servers: readonly NameServer[]) => void) | undefined;
  /** Is told that the file is there and can't be read: once, until it can be read again. Not given: nobody is. */
  readonly unreadable?: ((problem: Unreadable) => void) | undefined;
}

/** The host's name servers are not known, or not those of now. */
export interface Unreadable {
  readonly path: string;
  readonly reason: string;
  /** Those that are asked all the same: the ones that were read last, or this host itself. */
  readonly asked: readonly NameServer[];
}

/** How a question is to be asked. */
export interface Plan {
  /** At least one, in the order in which they are to be asked. */
  readonly servers: readonly NameServer[];
  /** How often all of them are asked. */
  readonly rounds: number;
  /** How long each may take before the next is asked, in ms. */
  readonly patience: number;
}

/** How a server is asked. */
export type DnsNetwork = "udp" | "tcp";

/** See the module's text. */
export class NameServers {
  private text: string | null = null;
  private conf: ResolvConf = parseResolvConf("");
  private readAt = -Infinity;
  private isUnreadable = false;
  private turn = 0;
  /** Until when a server goes behind the others. */
  private readonly resting: Readonly<Record<DnsNetwork, Map<NameServer, number>>> = {
    udp: new Map<NameServer, number>(),
    tcp: new Map<NameServer, number>(),
  };

  constructor(private readonly options: NameServersOptions) {}

  /** Those of the file, in its order. */
  get all(): readonly NameServer[] {
    this.look();
    return this.conf.servers;
  }

  /** The domains by which the host completes short names, in the file's order. */
  get searchDomains(): readonly string[] {
    this.look();
    return this.conf.search;
  }

  /** How to ask the next question. */
  plan(network: DnsNetwork): Plan {
    this.look();
    const { timeout, attempts } = this.conf;
    const servers = this.inOrder(network);
    // The client waits as long as the host would wait for one server; so that is the time for all of them.
    const patience = Math.max(1_000 * timeout / servers.length, MIN_PATIENCE);
    const rounds = Math.max(1, Math.min(attempts, Math.floor(DNS_PATIENCE_MS / (patience * servers.length))));
    return { servers, rounds, patience };
  }

  /** It was silent, or can't be reached. */
  failed(network: DnsNetwork, server: NameServer): void {
    if (this.conf.servers.includes(server)) this.resting[network].set(server, this.options.now() + DNS_REST_MS);
  }

  /** It has answered. */
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
   * A file that is not there says nothing new: it may be back soon, or the host has none, which is as good as an empty
   * one (resolv.conf(5)). Nor does one that can't be read, but that is a fault: of its permissions, or the sandbox does
   * not know where it has gone.
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
