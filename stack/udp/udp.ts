/**
 * UDP (RFC 768), stateless: incoming datagrams are checked and passed to the user, outgoing datagrams get their header.
 *
 * A guest whose kernel segments late (UDP_SEGMENT with the device's UDP segmentation offload) sends one header followed
 * by the data of many datagrams, which are passed to the user one by one.
 *
 * Towards the guest the same is done if the device can segment and the owner signals the end of a batch of events:
 * datagrams of one size between the same two endpoints are collected, up to a shorter one, and sent together. That
 * saves the guest's kernel and the host's most of a datagram's cost.
 *
 * @module
 */
import { type Endpoint, IpAddress } from "../base/address.ts";
import type { UdpCounters } from "../base/counters.ts";
import { type Allocate, type Block, Transmit, TRANSPORT_AT } from "../base/device.ts";
import type { PacketReceiver } from "../base/layers.ts";
import type { IcmpErrorKind, IcmpErrorReceiver, IcmpErrors, UdpSender } from "../base/layers.ts";
import type { Packet } from "../base/packet.ts";
import { transportChecksumOk } from "../wire/checksum.ts";
import { ipv4Destination, ipv4Source } from "../wire/ipv4.ts";
import { ipv6Destination, ipv6Source } from "../wire/ipv6.ts";
import {
  putUdp,
  UDP_CHECKSUM,
  UDP_HEADER,
  UDP_PROTOCOL,
  udpChecksum,
  udpDestinationPort,
  udpLength,
  udpSourcePort,
} from "../wire/udp.ts";
import { UdpDatagram } from "./datagram.ts";

/** The most data in a datagram, by IP version: an IPv4 packet, or an IPv6 payload, has at most 65,535 bytes. */
const MAX_UDP_4 = 65_507;
const MAX_UDP_6 = 65_527;

/** The most datagrams that a kernel passes as one (`UDP_MAX_SEGMENTS` in linux/udp.h). */
export const MAX_UDP_SEGMENTS = 128;

/** Handles a datagram from the guest. Must not throw, and must not keep the datagram. */
export type UdpHandler = (datagram: UdpDatagram) => void;

/** Called when the guest reports that nobody listens on its port. */
export type UdpErrorHandler = (local: Endpoint, guest: Endpoint) => void;

/** Options of {@linkcode Udp}. */
export interface UdpOptions {
  readonly ip: UdpSender;
  readonly icmp: IcmpErrors;
  readonly allocate: Allocate;
  readonly counters: UdpCounters;
  readonly handler: UdpHandler;
  readonly errorHandler: UdpErrorHandler;
  /** Calls a function after the present events are handled. If not given, nothing is collected. */
  readonly defer?: ((run: () => void) => void) | undefined;
}

/** The length of IPv6's header, which has no extension headers here. */
const LONGEST_IP_HEADER = 40;

/** The most datagrams to collect: kernels before 6.9 accept no more (`UDP_MAX_SEGMENTS` in linux/udp.h). */
const MAX_TRAIN = 64;

/** The UDP layer of a stack. */
export class Udp implements PacketReceiver, IcmpErrorReceiver {
  private readonly datagram: UdpDatagram;
  private readonly transmit: Transmit;
  /** The block that {@linkcode sendBytes} copies to; made at the first use. */
  private scratch: Block | null = null;
  /** The collected datagrams, at the start of {@linkcode scratch}: endpoints, number, size of each, and total bytes. */
  private trainFrom: Endpoint | null = null;
  private trainTo: Endpoint | null = null;
  private trainCount = 0;
  private trainSize = 0;
  private trainLength = 0;
  private flushing = false;

  constructor(private readonly options: UdpOptions) {
    this.datagram = new UdpDatagram(options.icmp);
    this.transmit = new Transmit(options.allocate);
  }

  receive(packet: Packet): void {
    const { counters } = this.options;
    const { bytes, payload } = packet;
    const available = packet.end - payload;
    const length = available < UDP_HEADER ? 0 : udpLength(bytes, payload);
    // a source port of 0 is legal, but nothing can be sent back to it, and it does not identify a sender
    if (
      length < UDP_HEADER || length > available ||
      udpSourcePort(bytes, payload) === 0 || udpDestinationPort(bytes, payload) === 0
    ) {
      counters.malformed++;
    } else if (!packet.checksumTrusted && !isChecksumOk(packet, length)) {
      counters.badChecksum++;
    } else {
      this.passToUser(packet, length - UDP_HEADER);
    }
  }

  icmpError(packet: Packet, quoted: number, transport: number, what: IcmpErrorKind, _mtu: number): void {
    this.options.counters.errorsIn++;
    if (what !== "unreachable") return; // the IP layer handles the path MTU
    const { bytes, version } = packet;
    const source = version === 4 ? ipv4Source(quoted) : ipv6Source(quoted);
    const destination = version === 4 ? ipv4Destination(quoted) : ipv6Destination(quoted);
    const local = { address: IpAddress.at(bytes, source, version), port: udpSourcePort(bytes, transport) };
    const port = udpDestinationPort(bytes, transport);
    this.options.errorHandler(local, { address: IpAddress.at(bytes, destination, version), port });
  }

  /**
   * Sends `block.bytes[offset .. offset + length)` to the guest, in fragments if it is larger than the MTU. Returns
   * false if it was dropped, or is too large for a datagram of this IP version. Throws a TypeError for endpoints of
   * different versions.
   */
  send(from: Endpoint, to: Endpoint, block: Block, offset: number, length: number): boolean {
    const { ip, counters } = this.options;
    const { version } = from.address;
    if (version !== to.address.version) throw new TypeError(`UDP from ${from.address} to ${to.address}`);
    if (length > (version === 4 ? MAX_UDP_4 : MAX_UDP_6)) {
      counters.tooLarge++;
      return false;
    }
    const { transmit } = this;
    transmit.begin(UDP_HEADER);
    putUdp(transmit.head.bytes, TRANSPORT_AT, from.port, to.port, UDP_HEADER + length);
    if (length > 0) transmit.addPart(block, offset, length);
    counters.datagramsOut++;
    return ip.send(transmit, from.address, to.address, UDP_PROTOCOL, UDP_CHECKSUM);
  }

  /**
   * As {@linkcode send}, but copies bytes from any memory, and may send them a little later: after the present events.
   * A datagram that is collected and then dropped is reported as sent.
   */
  sendBytes(from: Endpoint, to: Endpoint, bytes: Uint8Array, offset: number, length: number): boolean {
    const scratch = this.scratch ??= this.options.allocate(MAX_UDP_6);
    if (this.trainCount > 0 && !this.continues(from, to, length)) this.flush();
    const { trainLength } = this;
    if (length <= MAX_UDP_6) scratch.bytes.set(bytes.subarray(offset, offset + length), trainLength);
    if (!this.gathers(to, length)) return this.send(from, to, scratch, 0, length);
    if (this.trainCount++ === 0) {
      this.trainFrom = from;
      this.trainTo = to;
      this.trainSize = length;
      this.flushLater();
    }
    this.trainLength += length;
    if (length < this.trainSize || this.trainCount === MAX_TRAIN) this.flush();
    return true;
  }

  /** Whether a datagram can be added to the collected ones. */
  private continues(from: Endpoint, to: Endpoint, length: number): boolean {
    return from === this.trainFrom && to === this.trainTo && length > 0 && length <= this.trainSize &&
      this.trainLength + length <= MAX_UDP_4;
  }

  /** Whether a datagram is worth collecting, and may be collected: after segmentation it must fit the link. */
  private gathers(to: Endpoint, length: number): boolean {
    const { ip, defer } = this.options;
    return defer !== undefined && length > 0 && length + UDP_HEADER + LONGEST_IP_HEADER <= ip.mtuTowards(to.address) &&
      ip.canSegmentUdp;
  }

  private flushLater(): void {
    if (this.flushing) return;
    this.flushing = true;
    this.options.defer?.(this.flushNow);
  }

  private readonly flushNow = (): void => {
    this.flushing = false;
    this.flush();
  };

  /** Sends the collected datagrams. */
  private flush(): void {
    const { trainFrom: from, trainTo: to, trainCount: count, trainSize, trainLength, scratch } = this;
    this.trainCount = this.trainLength = 0;
    this.trainFrom = this.trainTo = null;
    if (from === null || to === null || scratch === null) return;
    if (count === 1) {
      this.send(from, to, scratch, 0, trainLength);
      return;
    }
    const { ip, counters } = this.options;
    const { transmit } = this;
    transmit.begin(UDP_HEADER);
    putUdp(transmit.head.bytes, TRANSPORT_AT, from.port, to.port, UDP_HEADER + trainLength);
    transmit.addPart(scratch, 0, trainLength);
    transmit.segmentSize = trainSize;
    counters.datagramsOut += count;
    ip.send(transmit, from.address, to.address, UDP_PROTOCOL, UDP_CHECKSUM);
  }

  private passToUser(packet: Packet, length: number): void {
    const { counters, handler } = this.options;
    const { datagram } = this;
    const { bytes, payload } = packet;
    datagram.packet = packet;
    datagram.guestPort = udpSourcePort(bytes, payload);
    datagram.localPort = udpDestinationPort(bytes, payload);
    const size = packet.segmentSize === 0 ? length : packet.segmentSize;
    if (length > size * MAX_UDP_SEGMENTS) {
      counters.malformed++;
      return;
    }
    const data = payload + UDP_HEADER;
    let done = 0;
    do {
      datagram.payload = data + done;
      datagram.length = Math.min(size, length - done);
      counters.datagramsIn++;
      done += size;
      handler(datagram);
    } while (done < length);
  }
}

/** Verifies the checksum. 0 means that there is none, which IPv4 permits (RFC 768) and IPv6 does not. */
function isChecksumOk(packet: Packet, length: number): boolean {
  const { bytes, source, destination, version, payload } = packet;
  if (udpChecksum(bytes, payload) === 0) return version === 4;
  return transportChecksumOk(bytes, source, destination, version, UDP_PROTOCOL, payload, payload + length);
}
