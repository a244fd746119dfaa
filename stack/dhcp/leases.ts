/**
 * Leases of a fixed set of IPv4 addresses. A client, known by its hardware address, keeps its lease for good, so there are
 * never more entries than addresses, and a new client gets none when all are taken.
 *
 * @module
 */
import type { IpAddress } from "../base/address.ts";

/** The addresses, and the clients that have them. */
export class Leases {
  private readonly byClient = new Map<string, IpAddress>();

  constructor(private readonly addresses: readonly IpAddress[]) {}

  /**
   * The address of a client: the one that it has, the one that it wants if that is free, or the first free one. Null: all
   * are taken.
   *
   * @param mac the client's hardware address
   * @param wanted the address that it asks for, 4 bytes; null: any
   */
  addressFor(mac: Uint8Array, wanted: Uint8Array | null): IpAddress | null {
    const client = mac.join(":");
    const had = this.byClient.get(client);
    if (had !== undefined) return had;
    const taken = new Set(this.byClient.values());
    const free = this.addresses.filter((address) => !taken.has(address));
    const given = (wanted === null ? undefined : free.find((address) => address.isAt(wanted, 0))) ?? free[0];
    if (given === undefined) return null;
    this.byClient.set(client, given);
    return given;
  }
}
