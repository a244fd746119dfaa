/**
 * The host's own networks, as its routing tables say now.
 *
 * The tables are read on demand, if the last reading is a second old. There is no timer, and without questions nothing is
 * read. A family whose tables can't be read keeps the last reading. Without any reading, every address of that family
 * counts as the host's, to be safe.
 *
 * The files are those of /proc/thread-self/net, and must be read synchronously, on the calling thread. A network namespace
 * is a property of a thread, and /proc/net and /proc/self/net show that of the process's first thread. To open a guest's
 * device, the program enters the guest's namespace for a moment on the thread that runs its JavaScript. A read by another
 * thread at that moment would show the guest's tables as the host's. A synchronous read on the same thread can't happen at
 * that moment, and it sees the namespace in which this thread makes its sockets, which is the one that counts.
 *
 * @module
 */
import type { IpAddress, IpVersion } from "../../stack/base/address.ts";
import { type Prefix, PrefixSet } from "../addresses/prefix.ts";
import { parseFibTrie, parseIfInet6, parseIpv6Route, parseRoute } from "./proc_net.ts";

/** The directory of the tables. */
const DIRECTORY = "/proc/thread-self/net";

/**
 * How old a reading may be, in ms. Reading four short files took 0.18 ms, which is negligible once a second. A network
 * that was just added may be open by mistake for that second.
 */
const MAX_AGE = 1000;

/** The options of {@linkcode HostNetworks}. */
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
  /** The reason why the last reading failed; null: it did not. */
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

  /** The reason why the last reading of a family's tables failed; null: it did not, or they were not read yet. */
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
