/**
 * Local forwards that follow what listens in the guest: pasta's `-t auto` and `-u auto`.
 *
 *     every half second   read the guest's sockets → the forwards that should be
 *                         those that are missing   → add; a port that is taken on the host is tried again next time
 *                         those that are too many  → remove; connections that are open go on
 *
 * A socket on the guest's loopback is not forwarded, because packets from the host can't reach it. Neither is a UDP socket
 * on a port that the kernel chooses from for clients.
 *
 * @module
 */
import type { IpAddress, IpVersion } from "../../../stack/base/address.ts";
import { isWildcard, WILDCARDS } from "../../addresses/wildcards.ts";
import { HostError } from "../../host/host_network.ts";
import type { FollowedNetwork } from "../../syntax/followed_network.ts";
import type { ForwardSpec } from "../../syntax/forward_spec.ts";
import type { Forward } from "../table.ts";
import { listeningSockets } from "./listening.ts";

/** What a {@linkcode PortFollower} is made of. */
export interface PortFollowerOptions {
  readonly networks: readonly FollowedNetwork[];
  /** The guest's addresses; null: it has none of that IP version. */
  readonly guests: Readonly<Record<IpVersion, IpAddress | null>>;
  /** The text of the guest's /proc/net/tcp, tcp6, udp or udp6. */
  readonly read: (network: "tcp" | "udp", version: IpVersion) => string;
  readonly table: {
    /** Rejects with a HostError if the host can't listen there. */
    add(side: "local", spec: ForwardSpec): Promise<Pick<Forward, "id">>;
    remove(id: number): boolean;
  };
  /** The first and the last port that clients get. */
  readonly clientPorts: readonly [number, number];
}

/** The time between two looks, in ms. */
const LOOK_MS = 500;

/** Keeps the table's forwards like the guest's listening sockets. */
export class PortFollower {
  /** The ids of the forwards that are set up, by their keys. */
  private readonly forwards = new Map<string, number>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(private readonly options: PortFollowerOptions) {}

  /** Looks once, and from then on every half second. Resolves after the first look. */
  async start(): Promise<void> {
    await this.look();
    if (!this.closed) this.timer = setTimeout(() => this.start(), LOOK_MS);
  }

  /** Looks no more. The forwards stay. */
  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  /** Makes the forwards like the guest's sockets. */
  async look(): Promise<void> {
    const { table } = this.options;
    const wanted = this.wanted();
    for (const [key, id] of this.forwards) {
      if (wanted.has(key)) continue;
      table.remove(id);
      this.forwards.delete(key);
    }
    for (const [key, spec] of wanted) {
      if (this.forwards.has(key)) continue;
      try {
        this.forwards.set(key, (await table.add("local", spec)).id);
      } catch (error) {
        if (!(error instanceof HostError)) throw error; // taken, or not allowed: perhaps later
      }
    }
  }

  private wanted(): Map<string, ForwardSpec> {
    const wanted = new Map<string, ForwardSpec>();
    for (const followed of this.options.networks) {
      for (const version of [4, 6] as const) {
        const target = this.options.guests[version];
        if (target === null) continue;
        for (const port of this.portsFor(followed, version, target)) {
          const spec = specOf(followed, version, target, port);
          if (spec !== null) wanted.set(`${followed.network} ${version} ${port}`, spec);
        }
      }
    }
    return wanted;
  }

  /** The ports on which the guest can be reached at its address. */
  private portsFor({ network, excludes }: FollowedNetwork, version: IpVersion, guest: IpAddress): Set<number> {
    const { read, clientPorts: [first, last] } = this.options;
    const sockets = listeningSockets(read(network, version), network);
    // a socket on the wildcard of IPv6 takes IPv4 as well, unless it is told not to, which can't be seen
    if (version === 4) {
      sockets.push(
        ...listeningSockets(read(network, 6), network).filter(({ address }) => address.equals(WILDCARDS[6])),
      );
    }
    const reached = sockets.filter(({ address, port }) =>
      (isWildcard(address) || address.equals(guest)) && port > 0 && !excludes(port) &&
      (network === "tcp" || port < first || port > last)
    );
    return new Set(reached.map(({ port }) => port));
  }
}

/** Null: the address to listen on is one of the other version. */
function specOf(
  { network, address }: FollowedNetwork,
  version: IpVersion,
  target: IpAddress,
  port: number,
): ForwardSpec | null {
  if (address !== null && address.version !== version) return null;
  return {
    network,
    oneAnswer: false,
    proxyProtocol: false,
    oneVersion: true,
    bind: { host: { kind: "address", address: address ?? WILDCARDS[version] }, port },
    target: { host: { kind: "address", address: target }, port },
  };
}
