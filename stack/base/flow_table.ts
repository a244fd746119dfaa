/**
 * A hash table from the addresses and ports of a flow to its entry. A lookup uses the bytes of a packet and makes no
 * object. The hash is keyed, so that a guest can't fill one chain on purpose.
 *
 * @module
 */
import type { Endpoint, IpVersion } from "./address.ts";
import { HalfSipHash } from "./siphash.ts";
import { get32 } from "./bytes.ts";

/** An entry of the table. `hash` and `next` belong to the table. */
export interface FlowEntry {
  readonly guest: Endpoint;
  readonly local: Endpoint;
  hash: number;
  next: FlowEntry | null;
}

/** A hash table of flows, keyed by the addresses and ports in a packet. */
export class FlowTable<Entry extends FlowEntry> {
  private readonly chains = new Map<number, Entry>();
  private readonly siphash: HalfSipHash;
  /** The entry found last, which a bulk transfer needs again and again. */
  private last: Entry | null = null;
  /** Number of entries. */
  size = 0;

  /** @param k0, k1 the hash's key, random */
  constructor(k0: number, k1: number) {
    this.siphash = new HalfSipHash(k0, k1);
  }

  /**
   * The entry of a packet from the guest, or null.
   *
   * @param guestAt, localAt offsets of the source and the destination address in `bytes`
   */
  find(
    bytes: Uint8Array,
    version: IpVersion,
    guestAt: number,
    guestPort: number,
    localAt: number,
    localPort: number,
  ): Entry | null {
    const last = this.last;
    if (last !== null && matches(last, bytes, version, guestAt, guestPort, localAt, localPort)) return last;
    const hash = this.hash(bytes, version, guestAt, guestPort, bytes, localAt, localPort);
    let entry: FlowEntry | null = this.chains.get(hash) ?? null;
    while (entry !== null && !matches(entry, bytes, version, guestAt, guestPort, localAt, localPort)) {
      entry = entry.next;
    }
    if (entry !== null) this.last = entry as Entry; // only entries of this type are ever added
    return entry as Entry | null;
  }

  /** The entry with these endpoints, or null. */
  get(guest: Endpoint, local: Endpoint): Entry | null {
    const bytes = new Uint8Array(32);
    bytes.set(guest.address.bytes);
    bytes.set(local.address.bytes, 16);
    return this.find(bytes, guest.address.version, 0, guest.port, 16, local.port);
  }

  /** Adds an entry. There must be none with the same endpoints. */
  add(entry: Entry): void {
    const { guest, local } = entry;
    const version = guest.address.version;
    entry.hash = this.hash(guest.address.bytes, version, 0, guest.port, local.address.bytes, 0, local.port);
    entry.next = this.chains.get(entry.hash) ?? null;
    this.chains.set(entry.hash, entry);
    this.size++;
  }

  /** Removes an entry, if it is there. */
  remove(entry: Entry): void {
    if (this.last === entry) this.last = null;
    const first = this.chains.get(entry.hash) ?? null;
    if (first === null) return;
    if (first === entry) {
      if (entry.next === null) this.chains.delete(entry.hash);
      else this.chains.set(entry.hash, entry.next as Entry);
    } else {
      let before: FlowEntry = first;
      while (before.next !== null && before.next !== entry) before = before.next;
      if (before.next === null) return;
      before.next = entry.next;
    }
    entry.next = null;
    this.size--;
  }

  /** All entries, in no particular order. The current entry may be removed during the iteration. */
  *values(): Generator<Entry> {
    for (const first of [...this.chains.values()]) {
      for (let entry: FlowEntry | null = first; entry !== null;) {
        const next: FlowEntry | null = entry.next;
        yield entry as Entry;
        entry = next;
      }
    }
  }

  private hash(
    guestBytes: Uint8Array,
    version: IpVersion,
    guestAt: number,
    guestPort: number,
    localBytes: Uint8Array,
    localAt: number,
    localPort: number,
  ): number {
    const hash = this.siphash.begin().add(guestPort << 16 | localPort);
    const length = version === 4 ? 4 : 16;
    for (let i = 0; i < length; i += 4) hash.add(get32(guestBytes, guestAt + i)).add(get32(localBytes, localAt + i));
    return hash.end();
  }
}

function matches(
  entry: FlowEntry,
  bytes: Uint8Array,
  version: IpVersion,
  guestAt: number,
  guestPort: number,
  localAt: number,
  localPort: number,
): boolean {
  const { guest, local } = entry;
  return guest.port === guestPort && local.port === localPort && guest.address.version === version &&
    guest.address.isAt(bytes, guestAt) && local.address.isAt(bytes, localAt);
}
