/**
 * Finds the destination hardware address of a packet, and keeps the packet while the address is solicited.
 *
 * Usually the only station on the link is the guest. There are several if the tap is a port of a bridge, or if the
 * guest has macvlans on it. Stations are learned from their frames ({@linkcode Neighbours.heard}), so solicitations are
 * rare:
 *
 * | destination | goes to |
 * | --- | --- |
 * | a known station | that station |
 * | in the link's networks, not known yet | the station that answers for it |
 * | beyond: behind a station that is a router | the guest, or the station that was heard last; if there is none, the station that answers for the destination or for the guest |
 *
 * An address is solicited three times, a second apart, as hosts do (RFC 4861, section 10: MAX_MULTICAST_SOLICIT,
 * RETRANS_TIMER; Linux does the same for ARP). Meanwhile copies of the packets wait in one short queue, which is
 * bounded in number and bytes. When it is full the oldest packet is dropped (RFC 4861, section 7.2.2). If there is no
 * answer, all packets that wait for the address are dropped.
 *
 * @module
 */
import type { IpAddress, IpVersion } from "../base/address.ts";
import { isOnLink4, type StackAddresses } from "./addresses.ts";
import type { LinkCounters } from "../base/counters.ts";
import { type Allocate, type Block, type Segmentation, Transmit } from "../base/device.ts";
import type { Timer, Timers } from "../base/layers.ts";
import { copyShort, sameBytes } from "../base/bytes.ts";
import { MAC_LENGTH } from "../wire/ethernet.ts";
import { isLinkLocal6 } from "../wire/ipv6.ts";
import { type Neighbour, NEIGHBOURS, NeighbourTable } from "./neighbour_table.ts";

/**
 * The most packets that wait, and their bytes: the first datagrams of some hundred clients of a forward may arrive
 * before a guest that has just started answers. Linux keeps 208 KiB for a neighbour (unres_qlen_bytes of arp(7)),
 * including the overhead of its buffers.
 */
export const NEIGHBOUR_QUEUE = 1024;
export const NEIGHBOUR_QUEUE_BYTES: number = 1024 * 1024;

/** The number of solicitations for an address, and the time between them, in ms. */
const SOLICITATIONS = 3;
const SOLICITATION_INTERVAL = 1000;

/** The most addresses that are solicited at the same time. One more replaces the oldest. */
const MAX_QUESTIONS = 1024;

/** The methods of the link that {@linkcode Neighbours} use. */
export interface NeighbourLink {
  /** Asks all stations for the hardware address of an IP address. */
  solicit(address: IpAddress): void;
  /** Sends a packet to a hardware address. */
  sendToStation(transmit: Transmit, version: IpVersion, mac: Uint8Array): boolean;
}

/** Options of {@linkcode Neighbours}. */
export interface NeighbourOptions {
  readonly link: NeighbourLink;
  readonly addresses: StackAddresses;
  readonly allocate: Allocate;
  readonly timers: Timers;
  readonly clock: () => number;
  /** Returns a random unsigned 32-bit number. */
  readonly random: () => number;
  readonly counters: LinkCounters;
  /** The most entries of the table; {@linkcode NEIGHBOURS} by default. */
  readonly stations?: number | undefined;
  /** The most waiting packets; {@linkcode NEIGHBOUR_QUEUE} by default. */
  readonly queue?: number | undefined;
}

/** A waiting packet: the content of a {@linkcode Transmit}, with all bytes in one block, headers first. */
interface Waiting {
  readonly block: Block;
  readonly question: Question;
  readonly headStart: number;
  readonly headLength: number;
  readonly payloadLength: number;
  readonly checksumStart: number;
  readonly checksumOffset: number;
  readonly segmentation: Segmentation;
  readonly segmentSize: number;
}

/** The stations of the link, and the packets that wait for their addresses. */
export class Neighbours {
  /** The most waiting packets. */
  readonly limit: number;
  readonly table: NeighbourTable;
  private readonly questions = new Map<string, Question>();
  private waiting: Waiting[] = [];
  private waitingBytes = 0;
  private readonly transmit: Transmit;
  /** The hardware address that was heard last; valid if `anyHeard`. */
  private readonly lastHeard = new Uint8Array(MAC_LENGTH);
  private anyHeard = false;
  /** The address looked up last: a bulk transfer looks up the same object again and again. */
  private lastWanted: IpAddress | null = null;
  private lastFound: Neighbour | null = null;

  constructor(private readonly options: NeighbourOptions) {
    const { stations = NEIGHBOURS, queue = NEIGHBOUR_QUEUE, random, allocate } = options;
    this.limit = queue;
    this.table = new NeighbourTable(stations, random(), random());
    this.transmit = new Transmit(allocate);
  }

  /** The number of waiting packets. */
  get size(): number {
    return this.waiting.length;
  }

  /** The hardware address of the present frame's sender. */
  get sender(): Uint8Array {
    return this.lastHeard;
  }

  /** Records that the present frame came from the hardware address at `offset`, which is a host's. */
  heard(bytes: Uint8Array, offset: number): void {
    if (this.anyHeard && sameBytes(bytes, offset, this.lastHeard, 0, MAC_LENGTH)) return;
    copyShort(bytes, offset, this.lastHeard, 0, MAC_LENGTH);
    if (this.anyHeard) return;
    this.anyHeard = true;
    this.sendWaiting();
  }

  /**
   * Learns that the sender of the present frame has the address at `offset`, which is a single host's, or is the router
   * on the way there.
   */
  senderHas(bytes: Uint8Array, offset: number, version: IpVersion): void {
    this.stationHas(bytes, offset, version, this.lastHeard);
  }

  /** Learns that the station at `mac`, a host's, has the address at `offset`. Sends the packets that waited for it. */
  stationHas(bytes: Uint8Array, offset: number, version: IpVersion, mac: Uint8Array): void {
    const { table } = this;
    if (!table.learn(bytes, offset, version, mac, 0)) return;
    this.lastWanted = null; // its entry may have made room
    this.sendWaiting();
  }

  /**
   * Whether the address at `offset` belongs to another station than the present frame's sender. A station that asks for
   * an address does not have it, so an entry to that effect is removed.
   */
  isElsewhere(bytes: Uint8Array, offset: number, version: IpVersion): boolean {
    const entry = this.table.find(bytes, offset, version);
    if (entry === null) return false;
    if (!sameBytes(entry.mac, 0, this.lastHeard, 0, MAC_LENGTH)) return true;
    this.table.remove(entry);
    this.lastWanted = null;
    return false;
  }

  /** Whether the address at `offset` belongs to the station whose hardware address is at `macAt`. */
  isAt(bytes: Uint8Array, offset: number, version: IpVersion, macAt: number): boolean {
    const entry = this.table.find(bytes, offset, version);
    return entry !== null && sameBytes(entry.mac, 0, bytes, macAt, MAC_LENGTH);
  }

  /** The hardware address for packets to `destination`; null: it must be solicited. */
  find(destination: IpAddress): Uint8Array | null {
    const { table } = this;
    if (destination === this.lastWanted) {
      table.touch(this.lastFound!);
      return this.lastFound!.mac;
    }
    const { bytes, version } = destination;
    const entry = table.find(bytes, 0, version);
    if (entry !== null) {
      this.lastWanted = destination;
      this.lastFound = entry;
      return entry.mac;
    }
    if (!this.anyHeard || this.isOnLink(destination)) return null;
    return table.find(this.guest(version).bytes, 0, version)?.mac ?? this.lastHeard;
  }

  /** Keeps a copy of a packet until the station's hardware address is known, and solicits that. */
  enqueue(transmit: Transmit, destination: IpAddress): void {
    const question = this.questions.get(destination.toString()) ?? this.begin(destination);
    const entry = this.copy(transmit, question);
    this.makeRoom(entry.block.bytes.length);
    this.waiting.push(entry);
    this.waitingBytes += entry.block.bytes.length;
    question.packets++;
    this.options.counters.neighbourQueued++;
    if (question.asked === 0) this.ask(question, this.options.clock());
  }

  /** Called by a question: asks again, or gives up. */
  ask(question: Question, now: number): void {
    const { link, timers } = this.options;
    const { address } = question;
    if (question.packets === 0 || question.asked === SOLICITATIONS) return this.giveUp(question);
    question.asked++;
    link.solicit(address);
    const guest = this.guest(address.version);
    if (!this.isOnLink(address) && !this.questions.has(guest.toString())) link.solicit(guest);
    timers.schedule(question, now + SOLICITATION_INTERVAL);
  }

  /** Discards the waiting packets. */
  close(): void {
    for (const question of [...this.questions.values()]) this.end(question);
  }

  private begin(address: IpAddress): Question {
    const { questions } = this;
    if (questions.size >= MAX_QUESTIONS) {
      const [oldest] = questions.values();
      this.giveUp(oldest!);
    }
    const name = address.toString();
    const question = new Question(address, name, this);
    questions.set(name, question);
    return question;
  }

  private giveUp(question: Question): void {
    this.options.counters.neighbourDropped += question.packets;
    this.end(question);
  }

  private guest(version: IpVersion): IpAddress {
    const { guest4, guest6 } = this.options.addresses;
    return version === 4 ? guest4 : guest6;
  }

  /** Whether an address is in one of the link's networks. */
  private isOnLink({ bytes, version }: IpAddress): boolean {
    const { addresses } = this.options;
    if (version === 4) return isOnLink4(addresses, bytes, 0);
    return isLinkLocal6(bytes, 0) || sameBytes(bytes, 0, addresses.gateway6.bytes, 0, 8);
  }

  /** Sends the packets whose station is known now. */
  private sendWaiting(): void {
    if (this.questions.size === 0) return;
    for (const question of [...this.questions.values()]) {
      const mac = this.find(question.address);
      if (mac === null) continue;
      for (const entry of this.end(question)) {
        this.restore(entry);
        this.options.link.sendToStation(this.transmit, question.address.version, mac);
      }
    }
  }

  /** Ends a question, and returns its packets. */
  private end(question: Question): Waiting[] {
    this.options.timers.cancel(question);
    this.questions.delete(question.name);
    question.packets = 0;
    const ended = this.waiting.filter((entry) => entry.question === question);
    this.waiting = this.waiting.filter((entry) => entry.question !== question);
    for (const { block } of ended) this.waitingBytes -= block.bytes.length;
    return ended;
  }

  private makeRoom(bytes: number): void {
    const { waiting } = this;
    while (
      waiting.length > 0 && (waiting.length >= this.limit || this.waitingBytes + bytes > NEIGHBOUR_QUEUE_BYTES)
    ) {
      const { block, question } = waiting.shift()!;
      this.waitingBytes -= block.bytes.length;
      question.packets--;
      this.options.counters.neighbourDropped++;
      this.options.counters.neighbourEvicted++;
    }
  }

  private copy(transmit: Transmit, question: Question): Waiting {
    const bytes = transmit.flatten();
    const block = this.options.allocate(bytes.length);
    block.bytes.set(bytes);
    const { headStart, payloadLength, checksumStart, checksumOffset, segmentation, segmentSize } = transmit;
    const headLength = transmit.headEnd - headStart;
    return {
      ...{ block, question, headStart, headLength, payloadLength },
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

/** A solicited address. */
class Question implements Timer {
  deadline = Infinity;
  slot = -1;
  /** The number of solicitations sent. */
  asked = 0;
  /** The number of packets that wait for the answer. */
  packets = 0;

  constructor(
    readonly address: IpAddress,
    readonly name: string,
    private readonly owner: Pick<Neighbours, "ask">,
  ) {}

  fire(now: number): void {
    this.owner.ask(this, now);
  }
}
