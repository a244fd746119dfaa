/**
 * The host's own networks, as its routing tables say now.
 *
 * Tables are read when someone asks and the last reading is a second old; there is no timer, and a program that nobody
 * asks reads nothing. A family whose tables can't be read keeps what was read last. If there is nothing yet, every
 * address of that family counts as the host's: what can't be told from the host's network is treated like it.
 *
 * The files are those of /proc/thread-self/net, and must be read on the thread that asks, synchronously. A network
 * namespace is a property of a thread. /proc/net and /proc/self/net show that of the process's first thread, and a
 * program that opens a guest's device visits the guest's namespace on the very thread that runs its JavaScript: a read
 * that another thread does meanwhile would show the guest's tables as the host's. A synchronous read on the visiting
 * thread can't fall into the visit, and sees the namespace in which this thread makes its sockets, the one that counts.
 *
 * @module
 */
import type { IpAddress, IpVersion } from "../../stack/base/address.ts";
import { type Prefix, PrefixSet } from "../addresses/prefix.ts";
import { parseFibTrie, parseIfInet6, parseIpv6Route, parseRoute } from "./proc_net.ts";

/** Where the tables are. */
const DIRECTORY = "/proc/thread-self/net";

/**
 * How old a reading may be, in ms. Reading four short files took 0.18 ms: once a second it is
 * nothing, and a second is how long a network that was just added is open by mistake.
 */
const MAX_AGE = 1000;

/** What {@linkcode HostNetworks} needs of the world. */
export interface HostNetworksOptions {
  /** Reads a file whole, on this thread (`Deno.readTextFileSync`). Throws if it can't. */
  readonly read: (path: string) => string;
  /** A clock in ms that doesn't go back (`performance.now`). */
  readonly now: () => number;
}

/** The tables of one family. */
interface Tables {
  readonly files: readonly { readonly name: string; readonly parse: (text: string) => Prefix[] }[];
  /** Null until the first good reading. */
  networks: PrefixSet | null;
  /** Why the last reading failed; null if it did not. */
  failure: string | null;
}

/** Tells the host's own networks from the rest of the world. */
export class HostNetworks {
  private readonly tables: Readonly<Record<IpVersion, Tables>> = {
    4: {
      files: [{ name: "route", parse: parseRoute }, { name: "fib_trie", parse: parseFibTrie }],
      networks: null,
      failure: null,
    },
    6: {
      files: [{ name: "ipv6_route", parse: parseIpv6Route }, { name: "if_inet6", parse: parseIfInet6 }],
      networks: null,
      failure: null,
    },
  };
  private readAt = -Infinity;

  constructor(private readonly options: HostNetworksOptions) {}

  /** Whether the address is the host's or in a network that it has a route of its own to. */
  contains(address: IpAddress): boolean {
    if (this.options.now() - this.readAt >= MAX_AGE) this.refresh();
    const { networks } = this.tables[address.version];
    return networks === null || networks.contains(address);
  }

  /** Reads the tables now, whatever their age. */
  refresh(): void {
    this.readAt = this.options.now();
    this.refreshTables(this.tables[4]);
    this.refreshTables(this.tables[6]);
  }

  /** Why the tables of a family could not be read last time; null if they could, or were not asked for yet. */
  failure(version: IpVersion): string | null {
    return this.tables[version].failure;
  }

  private refreshTables(tables: Tables): void {
    try {
      tables.networks = new PrefixSet(
        tables.files.flatMap(({ name, parse }) => parse(this.options.read(`${DIRECTORY}/${name}`))),
      );
      tables.failure = null;
    } catch (error) {
      tables.failure = error instanceof Error ? error.message : String(error);
    }
  }
}
