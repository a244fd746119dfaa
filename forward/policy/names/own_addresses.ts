/**
 * The addresses that stand for names in the guest: each name has one of 198.18.0.0/15 and one of fd00:0:0:5e::/64, both
 * by a hash of the name. A connection to such an address is a connection to that name, whatever real addresses the name
 * has at that time, and whatever other names share them.
 *
 * 198.18.0.0/15 is for tests of devices (RFC 2544), so no host on the internet has an address of it.
 *
 * | event | action |
 * | --- | --- |
 * | another name has that address | the next free one |
 * | the limit of names is reached | the name unused for longest, without a flow, loses its addresses |
 * | all names have flows | no address |
 *
 * @module
 */
import { IpAddress, type IpVersion } from "../../../stack/base/address.ts";
import { put32 } from "../../../stack/base/bytes.ts";
import { sipHash } from "../../../stack/base/siphash.ts";
import type { Usage } from "../../../stack/base/usage.ts";
import { Prefix } from "../../addresses/prefix.ts";

/** The prefixes of the addresses. No rule can open other addresses in them. */
export const OWN_PREFIXES: readonly Prefix[] = ["198.18.0.0/15", "fd00:0:0:5e::/64"].map(Prefix.parse);

/** A name that has addresses. */
export class OwnName {
  /** The number of its open flows. */
  flows = 0;
  /** Its flows go to the addresses that the name has when it is dialled. */
  readonly pinned = null;

  constructor(readonly name: string, readonly address4: IpAddress, readonly address6: IpAddress) {}
}

const [PREFIX4, PREFIX6] = OWN_PREFIXES.map(({ bytes }) => bytes) as [Uint8Array, Uint8Array];

/** The slots of the IPv4 prefix, without the first and the last address. */
const SLOTS = 2 ** 17 - 2;

/** Two fixed keys, so that a name has the same addresses in every run. */
const KEYS = [Int32Array.of(0x736c6972, 0x706e6574, 0x73746163, 0x6b000001), Int32Array.of(1, 2, 3, 4)] as const;

/** All names that have addresses, at most `limit`. */
export class OwnAddresses {
  /** The names, the one unused for longest first. */
  private readonly names = new Map<string, OwnName>();
  private readonly byAddress4 = new Map<number, OwnName>();
  private readonly byAddress6 = new Map<string, OwnName>();
  private evicted = 0;

  constructor(private readonly limit: number) {}

  /** The number of names, and of those that lost their addresses. */
  get usage(): Usage {
    return { current: this.names.size, limit: this.limit, overflows: this.evicted };
  }

  /** Whether the address at `offset` is in a prefix of own addresses, even if it stands for no name. */
  isOwn(bytes: Uint8Array, offset: number, version: IpVersion): boolean {
    if (version === 4) return bytes[offset] === 198 && (bytes[offset + 1] & 0xfe) === 18;
    for (let i = 0; i < 8; i++) if (bytes[offset + i] !== PREFIX6[i]) return false;
    return true;
  }

  /** The name that the address at `offset` stands for; null: none. */
  at(bytes: Uint8Array, offset: number, version: IpVersion): OwnName | null {
    if (!this.isOwn(bytes, offset, version)) return null;
    const found = version === 4
      ? this.byAddress4.get(slotAt(bytes, offset))
      : this.byAddress6.get(interfaceAt(bytes, offset));
    return found ?? null;
  }

  /** The name, if it has addresses. */
  find(name: string): OwnName | null {
    return this.names.get(name) ?? null;
  }

  /** Gives a name its addresses, if it has none yet; null: there is no room. */
  claim(name: string): OwnName | null {
    const known = this.names.get(name);
    if (known !== undefined) {
      this.touch(known);
      return known;
    }
    if (this.names.size >= this.limit && !this.makeRoom()) return null;
    const entry = new OwnName(name, this.free4(name), this.free6(name));
    this.names.set(name, entry);
    this.byAddress4.set(slotAt(entry.address4.bytes, 0), entry);
    this.byAddress6.set(interfaceAt(entry.address6.bytes, 0), entry);
    return entry;
  }

  /** Marks a name as used, so that it is the last to lose its addresses. */
  touch(entry: OwnName): void {
    if (!this.names.delete(entry.name)) return;
    this.names.set(entry.name, entry);
  }

  private makeRoom(): boolean {
    let left = this.names.size;
    for (const oldest of this.names.values()) {
      if (left-- === 0) return false;
      if (oldest.flows > 0) {
        this.touch(oldest);
        continue;
      }
      this.names.delete(oldest.name);
      this.byAddress4.delete(slotAt(oldest.address4.bytes, 0));
      this.byAddress6.delete(interfaceAt(oldest.address6.bytes, 0));
      this.evicted++;
      return true;
    }
    return false;
  }

  private free4(name: string): IpAddress {
    let slot = (hashOf(name, 0) >>> 0) % SLOTS + 1;
    while (this.byAddress4.has(slot)) slot = slot % SLOTS + 1;
    return IpAddress.of([PREFIX4[0], PREFIX4[1] | slot >> 16, slot >> 8 & 0xff, slot & 0xff]);
  }

  private free6(name: string): IpAddress {
    const bytes = Uint8Array.from(PREFIX6);
    put32(bytes, 8, hashOf(name, 0));
    put32(bytes, 12, hashOf(name, 1));
    for (let low = hashOf(name, 1); this.byAddress6.has(interfaceAt(bytes, 0)); put32(bytes, 12, ++low));
    return IpAddress.of(bytes);
  }
}

function hashOf(name: string, key: 0 | 1): number {
  const words = new Int32Array(name.length);
  for (let i = 0; i < name.length; i++) words[i] = name.charCodeAt(i);
  return sipHash(KEYS[key], words);
}

function slotAt(bytes: Uint8Array, offset: number): number {
  return (bytes[offset + 1] & 1) << 16 | bytes[offset + 2] << 8 | bytes[offset + 3];
}

function interfaceAt(bytes: Uint8Array, offset: number): string {
  return String.fromCharCode(...bytes.subarray(offset + 8, offset + 16));
}
