/**
 * A bad link between a device and a stack: frames are lost, held back, doubled or damaged, at random and by a seed.
 *
 * Damage flips one bit anywhere after the Ethernet header. The Internet checksum always detects it if it covers the
 * bit; the fields that it does not cover (IPv6's traffic class, flow label and hop limit) may change without harm.
 *
 * @module
 */
import {
  type Allocate,
  type Device,
  type Frame,
  type Transmit,
  Transmit as Outgoing,
} from "../../stack/base/device.ts";

/** Probabilities from 0 to 1, and times in ms. */
export interface Badness {
  readonly loss?: number;
  readonly duplicate?: number;
  /** Held back for `reorderBy` ms more than the others. */
  readonly reorder?: number;
  readonly reorderBy?: number;
  readonly corrupt?: number;
  /** The delay in each direction. */
  readonly delay?: number;
  readonly jitter?: number;
}

/** The numbers of affected frames, in both directions. */
export interface LinkCounts {
  passed: number;
  lost: number;
  duplicated: number;
  heldBack: number;
  corrupted: number;
}

const ETHERNET = 14;

/** A device whose frames pass a bad link. */
export class BadLink implements Device {
  readonly medium: "ethernet" | "ip";
  readonly mtu: number;
  readonly checksumOffload = false;
  readonly tcpSegmentation4 = false;
  readonly tcpSegmentation6 = false;
  readonly udpSegmentation = false;
  readonly counts: LinkCounts = { passed: 0, lost: 0, duplicated: 0, heldBack: 0, corrupted: 0 };
  private readonly outgoing: Outgoing;
  private readonly block;
  private closed = false;

  /**
   * @param device an Ethernet device without offloads
   * @param random returns unsigned 32-bit numbers
   * @param arrived called with the bytes of each frame from the guest that has passed
   */
  constructor(
    private readonly device: Device,
    private readonly badness: Badness,
    private readonly random: () => number,
    allocate: Allocate,
    private readonly arrived: (bytes: Uint8Array) => void,
  ) {
    this.medium = device.medium;
    this.mtu = device.mtu;
    this.outgoing = new Outgoing(allocate);
    this.block = allocate(65_664);
  }

  /** Stops passing frames. */
  close(): void {
    this.closed = true;
  }

  transmit(frame: Transmit): boolean {
    this.pass(frame.flatten(), (bytes) => this.send(bytes));
    return true;
  }

  /** A frame from the guest. */
  receive(frame: Frame): void {
    this.pass(frame.bytes.slice(frame.start, frame.end), this.arrived);
  }

  private chance(probability = 0): boolean {
    return probability > 0 && this.random() / 2 ** 32 < probability;
  }

  private pass(bytes: Uint8Array, to: (bytes: Uint8Array) => void): void {
    const { badness, counts } = this;
    const copies = this.chance(badness.duplicate) ? 2 : 1;
    counts.duplicated += copies - 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.chance(badness.loss)) {
        counts.lost++;
        continue;
      }
      let delay = (badness.delay ?? 0) + (badness.jitter ?? 0) * (this.random() / 2 ** 32);
      if (this.chance(badness.reorder)) {
        counts.heldBack++;
        delay += badness.reorderBy ?? 3;
      }
      const frame = this.chance(badness.corrupt) ? this.damaged(bytes) : bytes;
      counts.passed++;
      if (delay === 0) to(frame);
      else setTimeout(() => this.closed || to(frame), delay);
    }
  }

  private damaged(bytes: Uint8Array): Uint8Array {
    if (bytes.length <= ETHERNET) return bytes;
    this.counts.corrupted++;
    const copy = bytes.slice();
    copy[ETHERNET + this.random() % (bytes.length - ETHERNET)] ^= 1 << this.random() % 8;
    return copy;
  }

  private send(bytes: Uint8Array): void {
    const { outgoing, block } = this;
    outgoing.begin(ETHERNET);
    outgoing.head.bytes.set(bytes.subarray(0, ETHERNET), outgoing.headStart);
    block.bytes.set(bytes.subarray(ETHERNET));
    outgoing.addPart(block, 0, bytes.length - ETHERNET);
    this.device.transmit(outgoing);
  }
}
