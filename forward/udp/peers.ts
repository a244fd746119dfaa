/**
 * The addresses that an association has sent to. Datagrams from any other address are dropped.
 *
 * @module
 */
import type { Endpoint, IpAddress, IpVersion } from "../../stack/base/address.ts";
import { MAX_PEERS } from "../limits/limits.ts";
import { addressKey, type Key } from "./keys.ts";

/** An address that the association has sent to. */
export class Peer {
  /** The destination of the last datagram: the next one usually goes there too. */
  endpoint: Endpoint;
  /** When a datagram was last sent there, in ms. */
  sentAt = 0;

  constructor(readonly address: IpAddress, port: number) {
    this.endpoint = { address, port };
  }
}

/** The peers of one association, at most MAX_PEERS. When the table is full, the one not sent to for longest goes. */
export class Peers {
  private readonly table = new Map<Key, Peer>();
  private last: Peer | null = null;

  /** The number of peers. */
  get size(): number {
    return this.table.size;
  }

  /** Whether a function is true for any of their last destinations. */
  some(test: (destination: Endpoint) => boolean): boolean {
    return [...this.table.values()].some(({ endpoint }) => test(endpoint));
  }

  /** Returns the peer with the address at `offset`, or null. */
  find(bytes: Uint8Array, offset: number, version: IpVersion): Peer | null {
    const { last } = this;
    if (last !== null && last.address.version === version && last.address.isAt(bytes, offset)) return last;
    const found = this.table.get(addressKey(bytes, offset, version));
    if (found === undefined) return null;
    return this.last = found;
  }

  /** Adds a peer that is not there yet. */
  add(address: IpAddress, port: number): Peer {
    if (this.table.size >= MAX_PEERS) this.dropOldest();
    const peer = new Peer(address, port);
    this.table.set(addressKey(address.bytes, 0, address.version), peer);
    return this.last = peer;
  }

  private dropOldest(): void {
    let oldest: Peer | null = null;
    for (const peer of this.table.values()) if (oldest === null || peer.sentAt < oldest.sentAt) oldest = peer;
    if (oldest === null) return;
    this.table.delete(addressKey(oldest.address.bytes, 0, oldest.address.version));
    if (this.last === oldest) this.last = null;
  }
}
