/**
 * The real addresses that names have, for `-names real`: the guest was given them, so a connection to such an address may
 * be one to any of its names.
 *
 * An address stands for a name as long as the answer lasts, at least a minute, and five minutes more, because programs
 * keep addresses longer than they are told. That is about new flows: an open one goes on.
 *
 * | event | action |
 * | --- | --- |
 * | a name is answered for | its addresses stand for it, for the time of the answer |
 * | the limit of pairs of an address and a name is reached | the one that was answered for longest ago goes |
 *
 * @module
 */
import { IpAddress, type IpVersion } from "../../../stack/base/address.ts";
import type { Usage } from "../../../stack/base/usage.ts";

/** The least time that an answer lasts, in ms. */
const LEAST_MS = 60_000;

/** For how much longer an address stands for a name, in ms. */
const GRACE_MS = 300_000;

/** The names of real addresses, at most `limit` pairs. */
export class RealAddresses {
  /** By address and name, the one that was answered for longest ago first. */
  private readonly pairs = new Map<string, { readonly address: string; readonly name: string }>();
  /** When a pair ends, by name, by address. */
  private readonly byAddress = new Map<string, Map<string, number>>();
  /** How many addresses a name has. */
  private readonly counts = new Map<string, number>();
  private evicted = 0;

  constructor(private readonly limit: number) {}

  /** How many pairs there are, and how many had to go. */
  get usage(): Usage {
    return { current: this.pairs.size, limit: this.limit, overflows: this.evicted };
  }

  /** The guest was told that the name has these addresses. `ttl`: in ms; `now`: in ms, from a clock that never goes back. */
  note(name: string, addresses: readonly IpAddress[], ttl: number, now: number): void {
    for (const address of addresses) {
      const text = address.toString(), key = `${text} ${name}`;
      const isNew = !this.pairs.delete(key);
      if (isNew) {
        this.makeRoom(now);
        this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
      }
      this.pairs.set(key, { address: text, name });
      let names = this.byAddress.get(text);
      if (names === undefined) this.byAddress.set(text, names = new Map());
      names.set(name, now + Math.max(ttl, LEAST_MS) + GRACE_MS);
    }
  }

  /** The names that the address at `offset` stands for at that time. */
  namesAt(bytes: Uint8Array, offset: number, version: IpVersion, now: number): readonly string[] {
    if (this.pairs.size === 0) return NONE;
    const names = this.byAddress.get(IpAddress.at(bytes, offset, version).toString());
    if (names === undefined) return NONE;
    return [...names].filter(([, until]) => now < until).map(([name]) => name);
  }

  /** Whether a name has had an address that is remembered. */
  has(name: string): boolean {
    return this.counts.has(name);
  }

  private makeRoom(now: number): void {
    if (this.pairs.size < this.limit) return;
    for (const [key, { address, name }] of this.pairs) {
      if (now < (this.byAddress.get(address)?.get(name) ?? 0)) this.evicted++; // it had not ended by itself
      this.pairs.delete(key);
      const count = (this.counts.get(name) ?? 1) - 1;
      if (count === 0) this.counts.delete(name);
      else this.counts.set(name, count);
      const names = this.byAddress.get(address);
      names?.delete(name);
      if (names?.size === 0) this.byAddress.delete(address);
      return;
    }
  }
}

const NONE: readonly string[] = [];
