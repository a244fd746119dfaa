/**
 * The stations on the link: a table from IP addresses to hardware addresses.
 *
 * The table is bounded, because a station can send from any number of addresses. When it is full, the entry that was
 * least recently used (heard from or sent to) is dropped. If it is needed later it is solicited again, so a flood of
 * forged addresses costs the other stations no more than one question each.
 *
 * The hash is keyed, so that a station can't fill one chain on purpose. Lookups and updates make no object; only a new
 * address does.
 *
 * @module
 */
import type { IpVersion } from "../base/address.ts";
import { HalfSipHash } from "../base/siphash.ts";
import { copyShort, get32, sameBytes } from "../base/bytes.ts";
import { MAC_LENGTH } from "../wire/ethernet.ts";

/** The most entries: Linux's limit of neighbours (`gc_thresh3` of arp(7)). */
export const NEIGHBOURS = 1024;

/** A station's address. All fields except `mac` belong to the table. */
export class Neighbour {
  /** The hardware address, 6 bytes. */
  readonly mac: Uint8Array = new Uint8Array(MAC_LENGTH);
  /** The IP address in words; IPv4 has one, and the others are 0. */
  readonly words: Int32Array = new Int32Array(4);
  version: IpVersion = 4;
  hash = 0;
  /** In the chain of the same hash, and in the order of use. */
  next: Neighbour | null = null;
  older: Neighbour | null = null;
  newer: Neighbour | null = null;

  /** Whether the IP address equals the one at `offset` of `bytes`. */
  isAt(bytes: Uint8Array, offset: number, version: IpVersion): boolean {
    const { words } = this;
    if (this.version !== version || words[0] !== (get32(bytes, offset) | 0)) return false;
    return version === 4 || (words[3] === (get32(bytes, offset + 12) | 0) &&
      words[2] === (get32(bytes, offset + 8) | 0) && words[1] === (get32(bytes, offset + 4) | 0));
  }
}

/** The table of stations. */
export class NeighbourTable {
  /** Number of entries. */
  size = 0;
  /** Number of entries that made room for others. */
  evicted = 0;
  private readonly chains = new Map<number, Neighbour>();
  private readonly siphash: HalfSipHash;
  private newest: Neighbour | null = null;
  private oldest: Neighbour | null = null;

  /**
   * @param limit the most entries
   * @param k0, k1 the hash's key, random
   */
  constructor(readonly limit: number, k0: number, k1: number) {
    this.siphash = new HalfSipHash(k0, k1);
  }

  /** The entry of the address at `offset`, or null. It counts as used. */
  find(bytes: Uint8Array, offset: number, version: IpVersion): Neighbour | null {
    const { newest } = this;
    if (newest !== null && newest.isAt(bytes, offset, version)) return newest;
    let entry = this.chains.get(this.hash(bytes, offset, version)) ?? null;
    while (entry !== null && !entry.isAt(bytes, offset, version)) entry = entry.next;
    if (entry !== null) this.touch(entry);
    return entry;
  }

  /**
   * Stores the hardware address at `macAt` for the IP address at `offset`. Returns whether that changed the table.
   *
   * @param bytes, offset the place of the IP address
   * @param macBytes, macAt the place of the hardware address
   */
  learn(bytes: Uint8Array, offset: number, version: IpVersion, macBytes: Uint8Array, macAt: number): boolean {
    const known = this.find(bytes, offset, version);
    if (known !== null && sameBytes(macBytes, macAt, known.mac, 0, MAC_LENGTH)) return false;
    const entry = known ?? this.add(bytes, offset, version);
    copyShort(macBytes, macAt, entry.mac, 0, MAC_LENGTH);
    return true;
  }

  /** Marks the entry as used. */
  touch(entry: Neighbour): void {
    if (entry === this.newest) return;
    this.unlink(entry);
    this.link(entry);
  }

  /** Removes an entry. */
  remove(entry: Neighbour): void {
    this.unlink(entry);
    const first = this.chains.get(entry.hash)!;
    if (first !== entry) {
      let before = first;
      while (before.next !== entry) before = before.next!;
      before.next = entry.next;
    } else if (entry.next === null) {
      this.chains.delete(entry.hash);
    } else {
      this.chains.set(entry.hash, entry.next);
    }
    entry.next = null;
    this.size--;
  }

  private add(bytes: Uint8Array, offset: number, version: IpVersion): Neighbour {
    if (this.size >= this.limit) {
      this.evicted++;
      this.remove(this.oldest!);
    }
    const entry = new Neighbour();
    entry.version = version;
    for (let i = 0; i < (version === 4 ? 1 : 4); i++) entry.words[i] = get32(bytes, offset + 4 * i);
    entry.hash = this.hash(bytes, offset, version);
    entry.next = this.chains.get(entry.hash) ?? null;
    this.chains.set(entry.hash, entry);
    this.link(entry);
    this.size++;
    return entry;
  }

  private link(entry: Neighbour): void {
    entry.older = this.newest;
    if (this.newest === null) this.oldest = entry;
    else this.newest.newer = entry;
    this.newest = entry;
  }

  private unlink(entry: Neighbour): void {
    const { older, newer } = entry;
    if (older === null) this.oldest = newer;
    else older.newer = newer;
    if (newer === null) this.newest = older;
    else newer.older = older;
    entry.older = entry.newer = null;
  }

  private hash(bytes: Uint8Array, offset: number, version: IpVersion): number {
    const hash = this.siphash.begin();
    for (let i = 0; i < (version === 4 ? 4 : 16); i += 4) hash.add(get32(bytes, offset + i));
    return hash.end();
  }
}
