/**
 * Which addresses stand for names in the guest, in the two ways of `-names`.
 *
 * | | `own` | `real` |
 * | --- | --- | --- |
 * | the guest is told | the name's own address | the name's real addresses |
 * | a flow to it is one to | the name, resolved when it is dialled | that very address, and to whichever of its names the flow shows |
 * | it holds | while the program runs | for the time of the answer, and some minutes (policy/names/real_addresses.ts) |
 *
 * @module
 */
import { IpAddress, type IpVersion } from "../../stack/base/address.ts";
import type { Usage } from "../../stack/base/usage.ts";
import type { OwnAddresses, OwnName } from "../policy/names/own_addresses.ts";
import type { RealAddresses } from "../policy/names/real_addresses.ts";
import { TYPE_A } from "../policy/names/record_types.ts";
import type { TargetPolicy } from "../policy/name_guard.ts";
import type { RangeNetwork } from "../policy/range.ts";

/** A name that an address of the guest's stands for. */
export interface NameEntry {
  readonly name: string;
  /** The only address that its flows may go to; null: those that the name has when it is dialled. */
  readonly pinned: IpAddress | null;
  /** The number of its open flows. */
  flows: number;
}

/** The addresses that the guest is told, and for how long it may cache them, in seconds. */
export interface ToldAddresses {
  readonly addresses: readonly IpAddress[];
  readonly ttl: number;
}

/** Gives names their addresses in the guest, and finds the names of addresses. */
export interface Naming {
  readonly usage: Usage;
  /** Whether flows to a port of the address at `offset` are flows to names. */
  takes(network: RangeNetwork, bytes: Uint8Array, offset: number, version: IpVersion, port: number): boolean;
  /** The names that the address at `offset` stands for. */
  at(bytes: Uint8Array, offset: number, version: IpVersion): readonly NameEntry[];
  /** Marks a name as used. */
  touch(entry: NameEntry): void;
  /** Whether the name has an address in the guest. */
  has(name: string): boolean;
  /**
   * Tells the guest addresses of a name; null: there is no room.
   *
   * @param usable the real addresses of that type that the name has and flows may go to
   * @param lasts how long they hold, in ms
   */
  tell(name: string, type: number, usable: readonly IpAddress[], lasts: number): ToldAddresses | null;
}

/** How long the guest may cache an own address, in seconds. It holds while the program runs. */
const OWN_TTL = 60;

/** `-names own`. */
export class OwnNaming implements Naming {
  constructor(private readonly own: OwnAddresses) {}

  get usage(): Usage {
    return this.own.usage;
  }

  takes(_network: RangeNetwork, bytes: Uint8Array, offset: number, version: IpVersion): boolean {
    return this.own.isOwn(bytes, offset, version);
  }

  at(bytes: Uint8Array, offset: number, version: IpVersion): readonly OwnName[] {
    const entry = this.own.at(bytes, offset, version);
    return entry === null ? [] : [entry];
  }

  touch({ name }: NameEntry): void {
    this.own.claim(name);
  }

  has(name: string): boolean {
    return this.own.find(name) !== null;
  }

  tell(name: string, type: number): ToldAddresses | null {
    const entry = this.own.claim(name);
    return entry === null ? null : { addresses: [type === TYPE_A ? entry.address4 : entry.address6], ttl: OWN_TTL };
  }
}

/** `-names real`. A range that allows an address comes first: then its names don't matter. */
export class RealNaming implements Naming {
  /** @param now a clock in ms that doesn't go back */
  constructor(
    private readonly real: RealAddresses,
    private readonly policy: TargetPolicy,
    private readonly now: () => number,
  ) {}

  get usage(): Usage {
    return this.real.usage;
  }

  takes(network: RangeNetwork, bytes: Uint8Array, offset: number, version: IpVersion, port: number): boolean {
    if (this.real.namesAt(bytes, offset, version, this.now()).length === 0) return false;
    return !this.policy.verdict(network, IpAddress.at(bytes, offset, version), port).allowed;
  }

  at(bytes: Uint8Array, offset: number, version: IpVersion): readonly NameEntry[] {
    const pinned = IpAddress.at(bytes, offset, version);
    return this.real.namesAt(bytes, offset, version, this.now()).map((name) => ({ name, pinned, flows: 0 }));
  }

  touch(): void {}

  has(name: string): boolean {
    return this.real.has(name);
  }

  tell(name: string, _type: number, usable: readonly IpAddress[], lasts: number): ToldAddresses {
    this.real.note(name, usable, lasts, this.now());
    return { addresses: usable, ttl: Math.ceil(lasts / 1_000) };
  }
}
