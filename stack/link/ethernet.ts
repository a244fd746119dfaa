/**
 * Ethernet, with one station on the other end: the guest. The program stands for every other address there is, with one
 * hardware address: {@linkcode answerArp} and {@linkcode NeighbourDiscovery} say so. Whatever is not a group's goes to
 * the guest, whose hardware address {@linkcode Neighbour} knows.
 *
 * As nobody else is there, a frame of the guest is for the program, whatever hardware address it names: a guest may have
 * it from another program that stood here before, or from its configuration. All that is left out is the program's own
 * frames, should the link return them.
 *
 * @module
 */
import type { IpAddress, IpVersion } from "../address.ts";
import type { StackAddresses } from "../addresses.ts";
import type { LinkCounters } from "../counters.ts";
import { type Allocate, type Device, type Frame, Transmit } from "../device.ts";
import type { GuestConfiguration } from "../dhcp/configuration.ts";
import type { Timers } from "../lower.ts";
import type { Packet } from "../packet.ts";
import { sameBytes } from "../wire/bytes.ts";
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
import { isLimitedBroadcast, isMulticast4 } from "../wire/ipv4.ts";
import { isMulticast6 } from "../wire/ipv6.ts";
import { answerArp, requestArp } from "./arp.ts";
import type { IpReceiver, Link } from "./link.ts";
import { NeighbourDiscovery } from "./ndp.ts";
import { Neighbour } from "./neighbour.ts";

/** What an {@linkcode EthernetLink} is made of. */
export interface EthernetOptions {
  readonly device: Device;
  readonly addresses: StackAddresses;
  readonly configuration: GuestConfiguration;
  readonly allocate: Allocate;
  readonly timers: Timers;
  readonly clock: () => number;
  readonly counters: LinkCounters;
  /** Packets that wait for the guest's hardware address at most. */
  readonly neighbourQueue?: number | undefined;
}

/** See the module's text. */
export class EthernetLink implements Link {
  readonly neighbour: Neighbour;
  private readonly ndp: NeighbourDiscovery;
  private readonly transmit: Transmit;

  constructor(private readonly options: EthernetOptions) {
    const { allocate, timers, clock, counters, addresses, configuration, device, neighbourQueue: queue } = options;
    this.neighbour = new Neighbour({ link: this, allocate, timers, clock, counters, queue });
    this.ndp = new NeighbourDiscovery({
      ...{ link: this, addresses, configuration, mtu: device.mtu, allocate, timers, clock, counters },
    });
    this.transmit = new Transmit(allocate);
  }

  get waiting(): Link["waiting"] {
    return this.neighbour;
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
    if (!isHostMac(bytes, source) || this.isOwn(bytes, source, destination, group)) {
      counters.notForUs++;
      return;
    }
    this.neighbour.learn(bytes, source);
    const payload = start + ETHERNET_HEADER;
    const type = ethernetType(bytes, start);
    if (type === ETHERTYPE_IPV4) ip.receive4(frame, payload, group);
    else if (type === ETHERTYPE_IPV6) ip.receive6(frame, payload, group);
    else if (type === ETHERTYPE_ARP) this.receiveArp(frame, payload);
    else counters.unknownType++;
  }

  receiveNdp(packet: Packet): void {
    this.ndp.receive(packet);
  }

  send(transmit: Transmit, destination: IpAddress): boolean {
    const { bytes, version } = destination;
    if (version === 4) {
      if (isMulticast4(bytes, 0)) return this.sendTo(transmit, multicastMac4(bytes), ETHERTYPE_IPV4);
      if (isLimitedBroadcast(bytes, 0)) return this.sendTo(transmit, BROADCAST_MAC, ETHERTYPE_IPV4);
    } else if (isMulticast6(bytes, 0)) {
      return this.sendTo(transmit, multicastMac6(bytes), ETHERTYPE_IPV6);
    }
    if (this.neighbour.known) return this.sendToGuest(transmit, version);
    this.neighbour.enqueue(transmit, destination);
    return true;
  }

  /** Part of the face towards {@linkcode Neighbour}. */
  sendToGuest(transmit: Transmit, version: IpVersion): boolean {
    return this.sendTo(transmit, this.neighbour.mac, version === 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
  }

  /** Part of the face towards {@linkcode Neighbour}. */
  solicit(address: IpAddress): void {
    if (address.version === 6) {
      this.ndp.solicit(address);
      return;
    }
    requestArp(this.transmit, this.options.addresses, address);
    this.sendTo(this.transmit, BROADCAST_MAC, ETHERTYPE_ARP);
  }

  close(): void {
    this.neighbour.close();
    this.ndp.close();
  }

  /** Whether the program has sent the frame with these addresses itself. */
  private isOwn(bytes: Uint8Array, source: number, destination: number, group: boolean): boolean {
    const { mac } = this.options.addresses;
    const { neighbour } = this;
    return sameBytes(bytes, source, mac, 0, MAC_LENGTH) &&
      (group || sameBytes(bytes, destination, mac, 0, MAC_LENGTH) ||
        (neighbour.known && sameBytes(bytes, destination, neighbour.mac, 0, MAC_LENGTH)));
  }

  private receiveArp(frame: Frame, offset: number): void {
    const { counters, addresses } = this.options;
    counters.arpIn++;
    const verdict = answerArp(frame.bytes, offset, frame.end, addresses, this.transmit);
    if (verdict === "malformed") counters.arpMalformed++;
    if (verdict !== "answered") return;
    counters.arpAnswered++;
    this.sendTo(this.transmit, this.neighbour.mac, ETHERTYPE_ARP);
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
