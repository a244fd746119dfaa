/**
 * Address prefixes (`10.0.2.0/24`), and sets of them that are searched fast whatever their size.
 *
 * @module
 */
import { IpAddress, type IpVersion } from "../../stack/base/address.ts";

/** All addresses of a version whose first bits are the same. */
export class Prefix {
  /** @param bytes the first address of the prefix, in network order: all bits after `length` are zero */
  private constructor(readonly version: IpVersion, readonly bytes: Uint8Array, readonly length: number) {}

  /** The prefix of `length` bits that holds the address. Throws a RangeError if the address has fewer bits. */
  static of(address: IpAddress, length: number): Prefix {
    const bits = address.bytes.length * 8;
    if (!Number.isInteger(length) || length < 0 || length > bits) {
      throw new RangeError(`a prefix of ${address} has 0 to ${bits} bits, not ${length}`);
    }
    const bytes = address.bytes.map((byte, i) => byte & maskOf(length - 8 * i));
    return new Prefix(address.version, bytes, length);
  }

  /** The address and no other. */
  static ofAddress(address: IpAddress): Prefix {
    return Prefix.of(address, address.bytes.length * 8);
  }

  /** Parses `ADDRESS/LENGTH`; bits of the address after the length are ignored. Null: the text is not a prefix. */
  static tryParse(text: string): Prefix | null {
    const slash = text.indexOf("/");
    const address = IpAddress.tryParse(text.slice(0, Math.max(slash, 0)));
    const digits = text.slice(slash + 1);
    if (address === null || !/^[0-9]{1,3}$/.test(digits)) return null;
    const length = Number(digits);
    return length > address.bytes.length * 8 ? null : Prefix.of(address, length);
  }

  /** Like {@linkcode tryParse}, but throws a TypeError that names the text. */
  static parse(text: string): Prefix {
    const prefix = Prefix.tryParse(text);
    if (prefix === null) throw new TypeError(`not an address prefix: ${JSON.stringify(text)}`);
    return prefix;
  }

  /** The first address of the prefix. */
  get first(): IpAddress {
    return IpAddress.of(this.bytes);
  }

  /** Whether the address is of this version and in the prefix. */
  contains(address: IpAddress): boolean {
    return address.version === this.version && this.containsAt(address.bytes, 0);
  }

  /** Whether the address of this version at `offset` of `bytes` is in the prefix. */
  containsAt(bytes: Uint8Array, offset: number): boolean {
    const own = this.bytes, whole = this.length >> 3, rest = this.length & 7;
    for (let i = 0; i < whole; i++) if (own[i] !== bytes[offset + i]) return false;
    return rest === 0 || own[whole] === (bytes[offset + whole] & maskOf(rest));
  }

  /** `10.0.2.0/24`, `fd00::/64`. */
  toString(): string {
    return `${IpAddress.of(this.bytes)}/${this.length}`;
  }
}

/** A mask of the first `bits` bits of a byte (none if negative, all if more than 8). */
function maskOf(bits: number): number {
  return bits <= 0 ? 0 : bits >= 8 ? 0xff : 0xff << (8 - bits) & 0xff;
}

/**
 * A set of prefixes. Two prefixes are either disjoint, or one contains the other. So prefixes inside another are dropped,
 * and the rest is sorted for a binary search: a host with a hundred container networks costs seven comparisons.
 */
export class PrefixSet {
  private readonly sorted4: readonly Prefix[];
  private readonly sorted6: readonly Prefix[];

  constructor(prefixes: Iterable<Prefix>) {
    const all = [...prefixes];
    this.sorted4 = disjoint(all.filter((prefix) => prefix.version === 4));
    this.sorted6 = disjoint(all.filter((prefix) => prefix.version === 6));
  }

  /** Whether the address is in any of the prefixes. */
  contains(address: IpAddress): boolean {
    const sorted = address.version === 4 ? this.sorted4 : this.sorted6;
    let low = 0, high = sorted.length; // the prefixes before `low` start at or before the address, those from `high` after it
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(sorted[middle].bytes, address.bytes) <= 0) low = middle + 1;
      else high = middle;
    }
    return low > 0 && sorted[low - 1].containsAt(address.bytes, 0);
  }
}

/** Sorts the prefixes of one version, and drops those that are inside another. */
function disjoint(prefixes: Prefix[]): Prefix[] {
  prefixes.sort((a, b) => compare(a.bytes, b.bytes) || a.length - b.length);
  const kept: Prefix[] = [];
  for (const prefix of prefixes) {
    if (kept.length === 0 || !kept.at(-1)!.containsAt(prefix.bytes, 0)) kept.push(prefix);
  }
  return kept;
}

/** Compares addresses of the same version: negative, zero or positive. */
function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return 0;
}
