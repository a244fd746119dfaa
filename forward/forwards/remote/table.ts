/**
 * The remote forwards by the address and port that they are bound to in the guest's network. The table is looked up for
 * every SYN and every datagram of the guest; for IPv4 that allocates nothing.
 *
 * @module
 */
import type { Endpoint, IpVersion } from "../../../stack/base/address.ts";
import type { Target } from "../../names/target.ts";
import { endpointKey, type Key } from "../../udp/keys.ts";

/** The target of a remote forward, as flows need it. */
export type ForwardTarget = Pick<Target, "name" | "fixed" | "known" | "ask">;

/** A remote forward. */
export interface RemoteForward {
  /** Its address and port in the guest's network. */
  readonly bind: Endpoint;
  readonly target: ForwardTarget;
  /** Whether a UDP association ends after its first answer. */
  readonly oneAnswer: boolean;
}

/** The remote forwards for TCP, or those for UDP. */
export class RemoteForwards {
  private readonly table = new Map<Key, RemoteForward>();

  /** Adds a forward. There must be no other with the same address and port. */
  add(forward: RemoteForward): void {
    const { address, port } = forward.bind;
    this.table.set(endpointKey(address.bytes, 0, address.version, port), forward);
  }

  /** Deletes one. */
  delete({ bind }: RemoteForward): void {
    this.table.delete(endpointKey(bind.address.bytes, 0, bind.address.version, bind.port));
  }

  /** Returns the forward that is bound to a port of the address at `offset`, or null. */
  find(bytes: Uint8Array, offset: number, version: IpVersion, port: number): RemoteForward | null {
    if (this.table.size === 0) return null;
    return this.table.get(endpointKey(bytes, offset, version, port)) ?? null;
  }

  /** Returns the forward that is bound to that address and port, or null. */
  at({ address, port }: Endpoint): RemoteForward | null {
    return this.find(address.bytes, 0, address.version, port);
  }
}
