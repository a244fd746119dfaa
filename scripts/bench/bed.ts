/**
 * What the benchmark runs on: one host and one world for all peers, and for each peer and MTU a guest of its own. All of
 * them are there from the beginning, so that rounds can go from one to the next: what the machine does besides hits
 * every peer alike.
 *
 * @module
 */
import { Lab } from "../lab/lab.ts";
import type { Namespace } from "../lab/namespace.ts";
import { startIperf } from "../lab/services.ts";
import type { Peer } from "./peers.ts";

/** A guest that a peer serves. */
export interface Seat {
  readonly peer: Peer;
  readonly mtu: number;
  readonly guest: Namespace;
}

/** The lab with all its guests. */
export class BenchBed implements AsyncDisposable {
  private constructor(readonly lab: Lab, readonly seats: readonly Seat[]) {}

  /** Makes a guest for each peer and MTU, and attaches the peers. `linkMtu` is that of the host's link to the world. */
  static async create(peers: readonly Peer[], mtus: readonly number[], linkMtu: number): Promise<BenchBed> {
    const lab = await Lab.create(linkMtu);
    try {
      await startIperf(lab);
      const seats: Seat[] = [];
      for (const mtu of mtus) {
        for (const peer of peers) {
          const guest = await lab.guest();
          await peer.attach(lab, guest, mtu);
          seats.push({ peer, mtu, guest });
        }
      }
      return new BenchBed(lab, seats);
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
  }
}
