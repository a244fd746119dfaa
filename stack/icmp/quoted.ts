/**
 * Handles ICMP errors of the guest about packets that the stack sent: parses the quoted packet, and passes the error to
 * the transport that sent it. A path MTU over IPv6 is stored for UDP and ICMP as well.
 *
 * @module
 */
import type { IcmpCounters } from "../base/counters.ts";
import type { IcmpErrorKind, IcmpErrorReceiver, PathMtuReports } from "../base/layers.ts";
import type { Packet } from "../base/packet.ts";
import { ICMP_HEADER } from "../wire/icmp.ts";
import { IPV4_HEADER, ipv4FragmentOffset, ipv4HeaderLength, ipv4Protocol } from "../wire/ipv4.ts";
import { IPV6_HEADER, ipv6Destination, ipv6NextHeaderAt } from "../wire/ipv6.ts";
import { ExtensionWalk, fragmentOffset6 } from "../wire/ipv6_extensions.ts";
import { TCP_PROTOCOL } from "../wire/tcp.ts";
import { UDP_PROTOCOL } from "../wire/udp.ts";

/** The bytes of the transport header that an error must quote (RFC 792); with fewer it can't be assigned. */
const LEAST_QUOTED = 8;

/** Passes ICMP errors to the transports. */
export class QuotedErrors {
  private readonly walk = new ExtensionWalk(false);
  private protocol = 0;

  constructor(
    private readonly tcp: IcmpErrorReceiver,
    private readonly udp: IcmpErrorReceiver,
    private readonly counters: IcmpCounters,
    private readonly paths: PathMtuReports,
  ) {}

  /** Handles an error with a whole ICMP header, and passes it on to an {@linkcode IcmpErrorReceiver}. */
  receive(packet: Packet, what: IcmpErrorKind, mtu: number): void {
    this.counters.errorsIn++;
    const quoted = packet.payload + ICMP_HEADER;
    const transport = packet.version === 4 ? this.find4(packet, quoted) : this.find6(packet, quoted);
    if (transport < 0 || transport + LEAST_QUOTED > packet.end) {
      this.counters.malformed++;
      return;
    }
    if (what === "too-big" && packet.version === 6) this.paths.report(packet.bytes, ipv6Destination(quoted), mtu);
    if (this.protocol === TCP_PROTOCOL) {
      this.tcp.icmpError(packet, quoted, transport, what, mtu);
    } else if (this.protocol === UDP_PROTOCOL) {
      this.udp.icmpError(packet, quoted, transport, what, mtu);
    }
  }

  /** Offset of the quoted transport header; -1: there is none. */
  private find4(packet: Packet, header: number): number {
    const { bytes, end } = packet;
    if (header + IPV4_HEADER > end || bytes[header] >> 4 !== 4 || ipv4FragmentOffset(bytes, header) > 0) return -1;
    const length = ipv4HeaderLength(bytes, header);
    if (length < IPV4_HEADER) return -1;
    this.protocol = ipv4Protocol(bytes, header);
    return header + length;
  }

  /** The same for IPv6. The only extension header can be a first fragment's, since the stack sends no others. */
  private find6(packet: Packet, header: number): number {
    const { walk } = this;
    const { bytes, end } = packet;
    if (header + IPV6_HEADER > end || bytes[header] >> 4 !== 6) return -1;
    const namedAt = ipv6NextHeaderAt(header);
    walk.begin(bytes[namedAt], namedAt, header + IPV6_HEADER);
    let stop = walk.run(bytes, end);
    if (stop === "fragment" && fragmentOffset6(bytes, walk.at) === 0) {
      walk.skipFragment(bytes);
      stop = walk.run(bytes, end);
    }
    if (stop !== "transport") return -1;
    this.protocol = walk.protocol;
    return walk.at;
  }
}
