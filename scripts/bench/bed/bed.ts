/**
 * The bed of the benchmark: one host and one world for all peers, and a guest for each peer and MTU. All of them exist
 * from the beginning, so that rounds can go from one to the next and other work of the machine affects every peer
 * alike.
 *
 * @module
 */
import { Lab, WORLD } from "../../lab/lab.ts";
import type { Process } from "../../lab/process.ts";
import { startIperf } from "../../lab/services.ts";
import { startInstrument } from "./run_instrument.ts";
import type { Peer, Place } from "./peers.ts";
import { applySettings, useCubic } from "./settings.ts";

/** A guest that a peer serves, and the peer's process. */
export interface Seat extends Place {
  readonly bed: BenchBed;
  readonly peer: Peer;
  /** Null for the kernel, which needs no process. */
  readonly process: Process | null;
}

/** The lab with all its guests. */
export class BenchBed implements AsyncDisposable {
  private readonly seats: Seat[] = [];
  private readonly congestionControls = new Set<string>();
  private readonly refusals = new Map<string, unknown>();
  private guests = 0;

  private constructor(readonly lab: Lab) {}

  /** Makes the host and the world, with the world's servers. `linkMtu` is the MTU of the link between them. */
  static async create(linkMtu: number): Promise<BenchBed> {
    const lab = await Lab.create(linkMtu);
    try {
      await Promise.all([lab.host, lab.world].map(applySettings));
      await lab.host.sysctl({ "ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1 }); // for the kernel's turn
      await Promise.all([startIperf(lab), startInstrument(lab, [WORLD.v4, WORLD.v6])]);
      return new BenchBed(lab);
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * The peer's guest with that MTU. It is made, and the peer attached, on first use and after the peer has ended.
   * Rejects when the peer can't be attached, and then on every later call, because each attempt may take long.
   */
  async seat(peer: Peer, mtu: number): Promise<Seat> {
    const seat = await this.findSeat(peer, mtu);
    const used = await useCubic([this.lab.host, this.lab.world, seat.guest]);
    this.congestionControls.add(used);
    return seat;
  }

  /** The congestion control in use during the samples so far. */
  get congestionControl(): string {
    return [...this.congestionControls].join(" and ");
  }

  private async findSeat(peer: Peer, mtu: number): Promise<Seat> {
    const found = this.seats.findLast((seat) => seat.peer === peer && seat.mtu === mtu);
    if (found !== undefined && (found.process === null || found.process.code === null)) return found;
    const key = `${peer.name} ${mtu}`;
    if (this.refusals.has(key)) throw this.refusals.get(key);
    try {
      const seat = await this.newSeat(peer, mtu);
      this.seats.push(seat);
      return seat;
    } catch (error) {
      this.refusals.set(key, error);
      throw error;
    }
  }

  /** A guest for one use, with a process of its own. */
  async newSeat(peer: Peer, mtu: number): Promise<Seat> {
    const place = await this.newPlace(mtu);
    return { ...place, bed: this, peer, process: await peer.attach(this.lab, place) };
  }

  /** A guest without a peer. */
  async newPlace(mtu: number): Promise<Place> {
    const guest = await this.lab.guest();
    await applySettings(guest);
    return { guest, mtu, number: this.guests++ };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
  }
}
