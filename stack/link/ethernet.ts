/**
 * Ethernet, with the guest on the other end: one station, or several behind a bridge. The program stands for every
 * address that is not a station's, with a single hardware address, by {@linkcode answerArp} and {@linkcode
 * NeighbourDiscovery}. {@linkcode Neighbours} learn the stations' addresses from their frames.
 *
 * The program accepts frames to any hardware address: a guest may have learned it from another program that was here
 * before, or from its configuration. The exception is a frame to another known station, which a bridge has flooded.
 *
 * A frame may even come from the program's own hardware address, as test harnesses and cloned guests send it. A tap, a
 * bridge or a socket never returns the program's own frames, so it is a station's.
 *
 * @module
 */
import type { IpAddress, IpVersion } from "../base/address.ts";
import { isBroadcast4, isOwnAddress, type StackAddresses } from "./addresses.ts";
import type { LinkCounters } from "../base/counters.ts";
import { type Allocate, type Device, type Frame, Transmit } from "../base/device.ts";
import type { GuestConfiguration } from "../base/guest_configuration.ts";
import type { Timers } from "../base/layers.ts";
import type { Packet } from "../base/packet.ts";
import { sameBytes } from "../base/bytes.ts";
import {
  BROADCAST_MAC,
  ETHERNET_HEADER,
  ethernetDestination,
  ethernetSource,
  ethernetType,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  isGroupMac,
  isHostMac,
  MAC_LENGTH,
  multicastMac4,
  multicastMac6,
  putEthernet,
} from "../wire/ethernet.ts";
import { arpSenderProtocol, isArp } from "../wire/arp.ts";
import { IPV4_HEADER, ipv4Destination, ipv4Source, isMulticast4 } from "../wire/ipv4.ts";
import { IPV6_HEADER, ipv6Destination, ipv6Source, isMulticast6, isUnspecified6 } from "../wire/ipv6.ts";
import { answerArp, requestArp } from "./arp.ts";
import type { IpReceiver, Link } from "./link.ts";
import { NeighbourDiscovery } from "./ndp.ts";
import { Neighbours } from "./neighbour.ts";

/** Options of an {@linkcode EthernetLink}. */
export interface EthernetOptions {
  readonly device: Device;
  readonly addresses: StackAddresses;
  readonly configuration: GuestConfiguration;
  readonly allocate: Allocate;
  readonly timers: Timers;
  readonly clock: () => number;
  /** Returns a random unsigned 32-bit number. */
  readonly random: () => number;
  readonly counters: LinkCounters;
  /** The most stored addresses of stations. */
  readonly neighbours?: number | undefined;
  /** The most packets that wait for a station's hardware address. */
  readonly neighbourQueue?: number | undefined;
}

/** The link to the guest over a device that carries Ethernet frames. */
export class EthernetLink implements Link {
  readonly neighbours: Neighbours;
  private readonly ndp: NeighbourDiscovery;
  private readonly transmit: Transmit;

  constructor(private readonly options: EthernetOptions) {
    const { allocate, timers, clock, random, counters, addresses, configuration, device } = options;
    const { neighbours: stations, neighbourQueue: queue } = options;
    this.neighbours = new Neighbours({
      ...{ link: this, addresses, allocate, timers, clock, random, counters, stations, queue },
    });
    this.ndp = new NeighbourDiscovery({
      ...{ link: this, neighbours: this.neighbours, addresses, configuration, mtu: device.mtu },
      ...{ allocate, timers, clock, random, counters },
    });
    this.transmit = new Transmit(allocate);
  }

  get waiting(): Link["waiting"] {
    return this.neighbours;
  }

  get stations(): Link["stations"] {
    return this.neighbours.table;
  }

  receive(frame: Frame, ip: IpReceiver): void {
    const { counters } = this.options;
    const { bytes, start } = frame;
    counters.framesIn++;
    if (frame.end - start < ETHERNET_HEADER) {
      counters.malformed++;
      return;
    }
    const destination = ethernetDestination(start);
    const group = isGroupMac(bytes, destination);
    const source = ethernetSource(start);
    if (!isHostMac(bytes, source)) {
      counters.notForUs++;
      return;
    }
    this.neighbours.heard(bytes, source);
    const payload = start + ETHERNET_HEADER;
    const type = ethernetType(bytes, start);
    const isOther = !group && !sameBytes(bytes, destination, this.options.addresses.mac, 0, MAC_LENGTH);
    if (type === ETHERTYPE_IPV4) {
      if (frame.end - payload >= IPV4_HEADER) this.learn4(bytes, ipv4Source(payload));
      if (isOther && this.neighbours.isAt(bytes, ipv4Destination(payload), 4, destination)) counters.notForUs++;
      else ip.receive4(frame, payload, group);
    } else if (type === ETHERTYPE_IPV6) {
      if (frame.end - payload >= IPV6_HEADER) this.learn6(bytes, ipv6Source(payload));
      if (isOther && this.neighbours.isAt(bytes, ipv6Destination(payload), 6, destination)) counters.notForUs++;
      else ip.receive6(frame, payload, group);
    } else if (type === ETHERTYPE_ARP) this.receiveArp(frame, payload);
    else counters.unknownType++;
  }

  receiveNdp(packet: Packet): void {
    this.ndp.receive(packet);
  }

  send(transmit: Transmit, destination: IpAddress): boolean {
    const { bytes, version } = destination;
    if (version === 4) {
      if (isMulticast4(bytes, 0)) return this.sendTo(transmit, multicastMac4(bytes), ETHERTYPE_IPV4);
      if (isBroadcast4(this.options.addresses, bytes, 0)) return this.sendTo(transmit, BROADCAST_MAC, ETHERTYPE_IPV4);
    } else if (isMulticast6(bytes, 0)) {
      return this.sendTo(transmit, multicastMac6(bytes), ETHERTYPE_IPV6);
    }
    const mac = this.neighbours.find(destination);
    if (mac !== null) return this.sendToStation(transmit, version, mac);
    this.neighbours.enqueue(transmit, destination);
    return true;
  }

  stationHas(address: IpAddress, mac: Uint8Array): void {
    if (isHostMac(mac, 0)) this.neighbours.stationHas(address.bytes, 0, address.version, mac);
  }

  /** Called by {@linkcode Neighbours}. */
  sendToStation(transmit: Transmit, version: IpVersion, mac: Uint8Array): boolean {
    return this.sendTo(transmit, mac, version === 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
  }

  /** Called by {@linkcode Neighbours}. */
  solicit(address: IpAddress): void {
    if (address.version === 6) {
      this.ndp.solicit(address);
      return;
    }
    requestArp(this.transmit, this.options.addresses, address);
    this.sendTo(this.transmit, BROADCAST_MAC, ETHERTYPE_ARP);
  }

  start(): void {
    this.ndp.start();
  }

  close(): void {
    this.neighbours.close();
    this.ndp.close();
  }

  /** Learns that the sender of the present frame has the IPv4 address at `offset`, if that can be a station's. */
  private learn4(bytes: Uint8Array, offset: number): void {
    const { addresses } = this.options;
    if (isBroadcast4(addresses, bytes, offset) || isOwnAddress(addresses, bytes, offset, 4)) return;
    this.neighbours.senderHas(bytes, offset, 4);
  }

  /** The same for IPv6. */
  private learn6(bytes: Uint8Array, offset: number): void {
    const { addresses } = this.options;
    if (isMulticast6(bytes, offset) || isUnspecified6(bytes, offset)) return;
    if (!isOwnAddress(addresses, bytes, offset, 6)) this.neighbours.senderHas(bytes, offset, 6);
  }

  private receiveArp(frame: Frame, offset: number): void {
    const { counters, addresses } = this.options;
    counters.arpIn++;
    const { bytes, end } = frame;
    if (isArp(bytes, offset, end)) this.learn4(bytes, arpSenderProtocol(offset));
    const verdict = answerArp(bytes, offset, end, addresses, this.neighbours, this.transmit);
    if (verdict === "malformed") counters.arpMalformed++;
    if (verdict !== "answered") return;
    counters.arpAnswered++;
    this.sendTo(this.transmit, this.neighbours.sender, ETHERTYPE_ARP);
  }

  private sendTo(transmit: Transmit, mac: Uint8Array, type: number): boolean {
    const { counters, addresses, device } = this.options;
    transmit.headStart -= ETHERNET_HEADER;
    putEthernet(transmit.head.bytes, transmit.headStart, mac, addresses.mac, type);
    const taken = device.transmit(transmit);
    if (taken) counters.framesOut++;
    else counters.framesLost++;
    return taken;
  }
}
