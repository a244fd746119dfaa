/**
 * The one neighbour on the link: the guest. Its hardware address is learned from every frame that it sends, so usually
 * it is known before anything is sent to it. When it is not (a forward that connects into a guest that has been silent
 * so far), packets wait in a short queue while the guest is asked, three times a second apart, as hosts do it
 * (RFC 4861, section 10: MAX_MULTICAST_SOLICIT, RETRANS_TIMER; Linux does the same for ARP). The queue holds copies of
 * them, bounded in number and bytes; when it is full the oldest goes (RFC 4861, section 7.2.2), when nobody answers all go.
 *
 * @module
 */
import type { IpAddress, IpVersion } from "../address.ts";
import type { LinkCounters } from "../counters.ts";
import { type Allocate, type Block, type Segmentation, Transmit } from "../device.ts";
import type { Timer, Timers } from "../lower.ts";
import { copyShort, sameBytes } from "../wire/bytes.ts";
import { MAC_LENGTH } from "../wire/ethernet.ts";

/**
 * Packets that wait at most, and their bytes: the first datagrams of some hundred clients of a forward may come before a
 * guest that has just started has answered. Linux keeps 208 KiB for a neighbour (unres_qlen_bytes of arp(7)), with the
 * overhead of its buffers, which are of its own size for each packet.
 */
export const NEIGHBOUR_QUEUE = 1024;
export const NEIGHBOUR_QUEUE_BYTES: number = 1024 * 1024;

/** How often the guest is asked, and the time between, in ms. */
export const SOLICITATIONS = 3;
export const SOLICITATION_INTERVAL = 1000;

/** A packet that waits: what {@linkcode Transmit} held, with all bytes in one block, headers first. */
interface Waiting {
  readonly block: Block;
  readonly destination: IpAddress;
  readonly headStart: number;
  readonly headLength: number;
  readonly payloadLength: number;
  readonly checksumStart: number;
  readonly checksumOffset: number;
  readonly segmentation: Segmentation;
  readonly segmentSize: number;
}

/** What the neighbour needs of the link that it is on. */
export interface NeighbourLink {
  /** Asks all stations for the hardware address that belongs to one of the guest's addresses. */
  solicit(address: IpAddress): void;
  /** Sends a packet to the guest, whose hardware address is known now. */
  sendToGuest(transmit: Transmit, version: IpVersion): boolean;
}

/** What a {@linkcode Neighbour} is made of. */
export interface NeighbourOptions {
  readonly link: NeighbourLink;
  readonly allocate: Allocate;
  readonly timers: Timers;
  readonly clock: () => number;
  readonly counters: LinkCounters;
  /** Packets that wait at most; {@linkcode NEIGHBOUR_QUEUE} unless given. */
  readonly queue?: number | undefined;
}

/** See the module's text. */
export class Neighbour implements Timer {
  deadline = Infinity;
  slot = -1;
  /** The guest's hardware address; means nothing until `known`. */
  readonly mac: Uint8Array = new Uint8Array(MAC_LENGTH);
  known = false;
  private waiting: Waiting[] = [];
  private waitingBytes = 0;
  private readonly transmit: Transmit;
  private asked = 0;

  /** Packets that wait at most. */
  readonly limit: number;

  constructor(private readonly options: NeighbourOptions) {
    this.limit = options.queue ?? NEIGHBOUR_QUEUE;
    this.transmit = new Transmit(options.allocate);
  }

  /** Packets that wait. */
  get size(): number {
    return this.waiting.length;
  }

  /** Takes the hardware address at `offset`, a host's, for the guest's, and sends what waited for it. */
  learn(bytes: Uint8Array, offset: number): void {
    if (this.known && sameBytes(bytes, offset, this.mac, 0, MAC_LENGTH)) return;
    copyShort(bytes, offset, this.mac, 0, MAC_LENGTH);
    this.known = true;
    if (this.waiting.length === 0) return;
    this.options.timers.cancel(this);
    for (const entry of this.takeAll()) {
      this.restore(entry);
      this.options.link.sendToGuest(this.transmit, entry.destination.version);
    }
  }

  /** Keeps a copy of a packet for the guest until its hardware address is known, and asks for that. */
  enqueue(transmit: Transmit, destination: IpAddress): void {
    const { link, timers, clock, counters } = this.options;
    const entry = this.copy(transmit, destination);
    this.makeRoom(entry.block.bytes.length);
    const first = this.waiting.length === 0;
    const ask = !this.waiting.some((other) => other.destination.equals(destination));
    this.waiting.push(entry);
    this.waitingBytes += entry.block.bytes.length;
    counters.neighbourQueued++;
    if (ask) link.solicit(destination);
    if (first) {
      this.asked = 1;
      timers.schedule(this, clock() + SOLICITATION_INTERVAL);
    }
  }

  /** Asks again, or gives up. */
  fire(now: number): void {
    if (this.asked === SOLICITATIONS) {
      this.options.counters.neighbourDropped += this.waiting.length;
      this.close();
      return;
    }
    this.asked++;
    const wanted = new Map(this.waiting.map(({ destination }) => [destination.toString(), destination]));
    for (const address of wanted.values()) this.options.link.solicit(address);
    this.options.timers.schedule(this, now + SOLICITATION_INTERVAL);
  }

  /** Forgets what waits. */
  close(): void {
    this.options.timers.cancel(this);
    this.takeAll();
  }

  private takeAll(): Waiting[] {
    const all = this.waiting;
    this.waiting = [];
    this.waitingBytes = 0;
    return all;
  }

  private makeRoom(bytes: number): void {
    const { waiting } = this;
    while (
      waiting.length > 0 && (waiting.length >= this.limit || this.waitingBytes + bytes > NEIGHBOUR_QUEUE_BYTES)
    ) {
      this.waitingBytes -= waiting.shift()!.block.bytes.length;
      this.options.counters.neighbourDropped++;
      this.options.counters.neighbourEvicted++;
    }
  }

  private copy(transmit: Transmit, destination: IpAddress): Waiting {
    const bytes = transmit.flatten();
    const block = this.options.allocate(bytes.length);
    block.bytes.set(bytes);
    const { headStart, payloadLength, checksumStart, checksumOffset, segmentation, segmentSize } = transmit;
    const headLength = transmit.headEnd - headStart;
    return {
      ...{ block, destination, headStart, headLength, payloadLength },
      ...{ checksumStart, checksumOffset, segmentation, segmentSize },
    };
  }

  private restore(entry: Waiting): void {
    const { transmit } = this;
    transmit.begin(0);
    transmit.headStart = entry.headStart;
    transmit.headEnd = entry.headStart + entry.headLength;
    copyShort(entry.block.bytes, 0, transmit.head.bytes, entry.headStart, entry.headLength);
    if (entry.payloadLength > 0) transmit.addPart(entry.block, entry.headLength, entry.payloadLength);
    transmit.checksumStart = entry.checksumStart;
    transmit.checksumOffset = entry.checksumOffset;
    transmit.segmentation = entry.segmentation;
    transmit.segmentSize = entry.segmentSize;
  }
}
