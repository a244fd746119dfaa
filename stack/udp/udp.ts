/**
 * UDP (RFC 768), stateless: datagrams in are checked and handed up, datagrams out get their header.
 *
 * A guest whose kernel segments late (UDP_SEGMENT with the device's UDP segmentation offload) hands over one header
 * with the data of many datagrams behind it; those are handed up one by one.
 *
 * The other way the same is done where the device can cut and the owner says when a batch of events is over: datagrams
 * of one size between the same two ends are gathered (one shorter one ends them), and leave together. It saves the
 * guest's kernel and ours the most of what a datagram costs.
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

/** The most data in a datagram, by version: an IP packet of 65,535 bytes, or an IPv6 payload of that. */
const MAX_UDP_4 = 65_507;
const MAX_UDP_6 = 65_527;

/** Datagrams that a kernel hands over as one at most (`UDP_MAX_SEGMENTS` in linux/udp.h). */
export const MAX_UDP_SEGMENTS = 128;

/** Takes datagrams from the guest. Must not throw, and not keep the datagram. */
export type UdpHandler = (datagram: UdpDatagram) => void;

/** Is told that the guest can't be reached: nobody listens on its port. */
export type UdpErrorHandler = (local: Endpoint, guest: Endpoint) => void;

/** The options of {@linkcode Udp}. */
export interface UdpOptions {
  readonly ip: UdpSender;
  readonly icmp: IcmpErrors;
  readonly allocate: Allocate;
  readonly counters: UdpCounters;
  readonly handler: UdpHandler;
  readonly errorHandler: UdpErrorHandler;
  /** Calls a function when the events that there are now have been handled; not given: nothing is gathered. */
  readonly defer?: ((run: () => void) => void) | undefined;
}

/** IPv6's, which has no options here. */
const LONGEST_IP_HEADER = 40;

/** Datagrams that are gathered at most: kernels before 6.9 take no more (`UDP_MAX_SEGMENTS` in linux/udp.h). */
const MAX_TRAIN = 64;

/** The UDP layer of a stack. */
export class Udp implements PacketReceiver, IcmpErrorReceiver {
  private readonly datagram: UdpDatagram;
  private readonly transmit: Transmit;
  /** Where {@linkcode sendBytes} copies to; made when first used. */
  private scratch: Block | null = null;
  /** The datagrams that are gathered at the start of {@linkcode scratch}: their ends, number, size, and bytes in all. */
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
    // a source port of 0 is legal, but nothing could be sent back to it, nor told from others
    if (
      length < UDP_HEADER || length > available ||
      udpSourcePort(bytes, payload) === 0 || udpDestinationPort(bytes, payload) === 0
    ) {
      counters.malformed++;
    } else if (!packet.checksumTrusted && !isChecksumOk(packet, length)) {
      counters.badChecksum++;
    } else {
      this.handUp(packet, length - UDP_HEADER);
    }
  }

  icmpError(packet: Packet, quoted: number, transport: number, what: IcmpErrorKind, _mtu: number): void {
    this.options.counters.errorsIn++;
    if (what !== "unreachable") return; // the path MTU is the IP layer's affair
    const { bytes, version } = packet;
    const source = version === 4 ? ipv4Source(quoted) : ipv6Source(quoted);
    const destination = version === 4 ? ipv4Destination(quoted) : ipv6Destination(quoted);
    const local = { address: IpAddress.at(bytes, source, version), port: udpSourcePort(bytes, transport) };
    const port = udpDestinationPort(bytes, transport);
    this.options.errorHandler(local, { address: IpAddress.at(bytes, destination, version), port });
  }

  /**
   * Sends `block.bytes[offset .. offset + length)` to the guest, in fragments where it is larger than the MTU.
   * False: it was dropped, or is larger than a datagram of this version can be. Throws a TypeError for endpoints of
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
   * Like {@linkcode send}, of a copy of bytes in any memory, and it may leave a little later: after the present events.
   * What is gathered and then dropped is reported as sent.
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

  /** Whether a datagram can follow those that are gathered. */
  private continues(from: Endpoint, to: Endpoint, length: number): boolean {
    return from === this.trainFrom && to === this.trainTo && length > 0 && length <= this.trainSize &&
      this.trainLength + length <= MAX_UDP_4;
  }

  /** Whether a datagram is worth gathering, and may be: cut apart again, it must fit the link. */
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

  /** Sends what is gathered. */
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

  private handUp(packet: Packet, length: number): void {
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

/** A checksum of 0 says that there is none: in IPv4 that is the sender's choice (RFC 768), in IPv6 it is illegal. */
function isChecksumOk(packet: Packet, length: number): boolean {
  const { bytes, source, destination, version, payload } = packet;
  if (udpChecksum(bytes, payload) === 0) return version === 4;
  return transportChecksumOk(bytes, source, destination, version, UDP_PROTOCOL, payload, payload + length);
}
