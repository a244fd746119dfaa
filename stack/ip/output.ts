/**
 * IP's sending side: it writes the header and the transport's checksum, and fragments a packet that is larger than the
 * MTU if the device does not segment it.
 *
 * The guest may be a router, with links of a smaller MTU behind it. TCP finds the path MTU: its packets have "don't
 * fragment" set, and identification 0 (RFC 6864, section 4.1: only packets that may be fragmented need one). Everything
 * else may be fragmented by the guest over IPv4, and is fragmented here over IPv6, to the path MTU that the guest has
 * reported.
 *
 * @module
 */
import type { IpAddress, IpVersion } from "../base/address.ts";
import type { IpCounters } from "../base/counters.ts";
import { type Allocate, type Device, Segmentation, type Transmit, TRANSPORT_AT } from "../base/device.ts";
import type { Link } from "../link/link.ts";
import type { UdpSender } from "../base/layers.ts";
import { put16 } from "../base/bytes.ts";
import { addSums, complement, pseudoHeaderSumOf, transmitSum } from "../wire/checksum.ts";
import { ICMP_PROTOCOL } from "../wire/icmpv4.ts";
import { IPV4_DONT_FRAGMENT, IPV4_HEADER, IPV4_MAX_PACKET, putIpv4 } from "../wire/ipv4.ts";
import { IPV6_HEADER, IPV6_MAX_PAYLOAD, putIpv6 } from "../wire/ipv6.ts";
import { TCP_PROTOCOL } from "../wire/tcp.ts";
import { UDP_PROTOCOL } from "../wire/udp.ts";
import { Fragmenter } from "./fragmenter.ts";
import type { PathMtuTable } from "./path_mtu.ts";

/** The default time to live and hop limit of sent packets (RFC 1700). */
const DEFAULT_HOP_LIMIT = 64;

/** Options of an {@linkcode IpOutput}. */
export interface IpOutputOptions {
  readonly link: Pick<Link, "send">;
  readonly device: Device;
  readonly allocate: Allocate;
  /** Returns a random unsigned 32-bit number, from which the identifications of fragments count. */
  readonly random: () => number;
  readonly counters: { readonly ipv4: IpCounters; readonly ipv6: IpCounters };
  readonly paths: PathMtuTable;
}

/** Sends packets of both versions. */
export class IpOutput implements UdpSender {
  private readonly fragmenter: Fragmenter;
  /** The identification of the next IPv4 packet that may be fragmented, in its low 16 bits. */
  private identification: number;

  constructor(private readonly options: IpOutputOptions) {
    this.fragmenter = new Fragmenter(options);
    this.identification = options.random() & 0xffff;
  }

  get mtu(): number {
    return this.options.device.mtu;
  }

  mtuTowards(destination: IpAddress): number {
    return this.options.paths.towards(destination, this.mtu);
  }

  get canSegmentUdp(): boolean {
    const { device } = this.options;
    return device.checksumOffload && device.udpSegmentation;
  }

  canSegment(version: IpVersion): boolean {
    const { device } = this.options;
    return device.checksumOffload && (version === 4 ? device.tcpSegmentation4 : device.tcpSegmentation6);
  }

  send(
    transmit: Transmit,
    source: IpAddress,
    destination: IpAddress,
    protocol: number,
    checksumField: number,
  ): boolean {
    const { link, counters } = this.options;
    const version = source.version;
    const length = transmit.headEnd - TRANSPORT_AT + transmit.payloadLength;
    const count = version === 4 ? counters.ipv4 : counters.ipv6;
    if (length > (version === 4 ? IPV4_MAX_PACKET - IPV4_HEADER : IPV6_MAX_PAYLOAD)) {
      count.tooLarge++;
      return false;
    }
    const cut = transmit.segmentSize > 0 && transmit.segmentSize < transmit.payloadLength;
    if (cut && protocol === TCP_PROTOCOL) {
      transmit.segmentation = version === 4 ? Segmentation.Tcp4 : Segmentation.Tcp6;
    } else if (cut && protocol === UDP_PROTOCOL) {
      transmit.segmentation = Segmentation.Udp;
    } else {
      transmit.segmentation = Segmentation.None;
      transmit.segmentSize = 0;
    }
    const mtu = protocol === TCP_PROTOCOL ? this.mtu : this.mtuTowards(destination);
    const fragmented = !cut && length + (version === 4 ? IPV4_HEADER : IPV6_HEADER) > mtu;
    this.putChecksum(transmit, source, destination, protocol, checksumField, length, fragmented);
    count.packetsOut++;
    const hopLimit = transmit.hopLimit || DEFAULT_HOP_LIMIT;
    const whole = protocol === TCP_PROTOCOL;
    const identification = version === 6 || whole ? 0 : this.identify(transmit);
    if (fragmented) {
      return this.fragmenter.send(transmit, source, destination, protocol, hopLimit, mtu, identification);
    }
    const { bytes } = transmit.head;
    if (version === 4) {
      transmit.headStart = TRANSPORT_AT - IPV4_HEADER;
      const total = IPV4_HEADER + length;
      putIpv4(
        bytes,
        transmit.headStart,
        total,
        identification,
        whole ? IPV4_DONT_FRAGMENT : 0,
        hopLimit,
        protocol,
        source,
        destination,
      );
    } else {
      transmit.headStart = TRANSPORT_AT - IPV6_HEADER;
      putIpv6(bytes, transmit.headStart, length, protocol, hopLimit, source, destination);
    }
    return link.send(transmit, destination);
  }

  /** The identification of a packet. A packet that the device cuts uses one for each resulting packet. */
  private identify({ segmentSize, payloadLength }: Transmit): number {
    const { identification } = this;
    const packets = segmentSize === 0 ? 1 : Math.ceil(payloadLength / segmentSize);
    this.identification = (identification + packets) & 0xffff;
    return identification;
  }

  /**
   * Leaves the checksum of TCP and UDP to the device if it can compute it, and then writes the sum of the pseudo-header
   * into the field. ICMP's is always computed: programs such as ping verify it themselves in packets of a raw socket.
   */
  private putChecksum(
    transmit: Transmit,
    source: IpAddress,
    destination: IpAddress,
    protocol: number,
    field: number,
    length: number,
    fragmented: boolean,
  ): void {
    const { bytes } = transmit.head;
    const pseudo = protocol === ICMP_PROTOCOL ? 0 : pseudoHeaderSumOf(source, destination, protocol, length);
    const offloaded = protocol === TCP_PROTOCOL || protocol === UDP_PROTOCOL;
    if (this.options.device.checksumOffload && offloaded && !fragmented) {
      put16(bytes, TRANSPORT_AT + field, pseudo);
      transmit.checksumStart = TRANSPORT_AT;
      transmit.checksumOffset = field;
      return;
    }
    const checksum = complement(addSums(pseudo, transmitSum(transmit, TRANSPORT_AT)));
    // for UDP, 0 means that there is none, so a sum of 0 is written as its equal 0xffff (RFC 768)
    put16(bytes, TRANSPORT_AT + field, checksum === 0 && protocol === UDP_PROTOCOL ? 0xffff : checksum);
    transmit.checksumStart = -1;
  }
}
