/**
 * IPv4's receiving side. It drops invalid packets and reassembles fragments. Packets then go to their protocol whatever
 * their destination, because the program stands for all addresses.
 *
 * @module
 */
import { isBroadcast4, isOwnAddress } from "../link/addresses.ts";
import type { Frame } from "../base/device.ts";
import {
  checkIpv4,
  IPV4_HEADER,
  IPV4_MAX_PACKET,
  ipv4Destination,
  ipv4DontFragment,
  ipv4FragmentOffset,
  ipv4HeaderLength,
  ipv4Identification,
  ipv4MoreFragments,
  ipv4OptionsAcceptable,
  ipv4Protocol,
  ipv4Source,
  ipv4TimeToLive,
  ipv4TotalLength,
  isLoopback4,
  isUnspecified4,
} from "../wire/ipv4.ts";
import { ICMP_PROTOCOL } from "../wire/icmpv4.ts";
import { TCP_PROTOCOL } from "../wire/tcp.ts";
import { UDP_PROTOCOL } from "../wire/udp.ts";
import type { IpInputOptions } from "./protocols.ts";

/** Handles the guest's IPv4 packets. */
export class Ipv4Input {
  constructor(private readonly options: IpInputOptions) {}

  /** Handles the packet at `offset` of the frame. `group`: the frame was sent to a group of stations. */
  receive(frame: Frame, offset: number, group: boolean): void {
    const { addresses } = this.options;
    const counters = this.options.counters.ipv4;
    const { bytes } = frame;
    counters.packetsIn++;
    const fault = checkIpv4(bytes, offset, frame.end);
    if (fault !== "ok") {
      if (fault === "checksum") counters.badChecksum++;
      else counters.malformed++;
      return;
    }
    const broadcast = isBroadcast4(addresses, bytes, ipv4Destination(offset));
    // RFC 1122, section 3.3.6: a frame to a group of stations must be addressed to a group of hosts
    if ((group && !broadcast) || !this.isSourceAcceptable(bytes, ipv4Source(offset), broadcast)) {
      counters.martian++;
      return;
    }
    if (ipv4HeaderLength(bytes, offset) > IPV4_HEADER && !ipv4OptionsAcceptable(bytes, offset)) {
      counters.malformed++;
      return;
    }
    this.fill(frame, offset, broadcast);
    if (ipv4MoreFragments(bytes, offset) || ipv4FragmentOffset(bytes, offset) > 0) this.receiveFragment();
    else this.deliver();
  }

  /**
   * Whether the source is valid. 0.0.0.0 is the source of a host that has no address yet and asks for one by broadcast.
   * The rest of 0.0.0.0/8 and the reserved 240.0.0.0/4 belong to no host (RFC 6890, section 2.2.2). The program's own
   * addresses are not the guest's.
   */
  private isSourceAcceptable(bytes: Uint8Array, source: number, broadcast: boolean): boolean {
    const { addresses } = this.options;
    if (isUnspecified4(bytes, source)) return broadcast;
    if (bytes[source] === 0 || bytes[source] >= 240 || isLoopback4(bytes, source)) return false;
    return !isBroadcast4(addresses, bytes, source) && !isOwnAddress(addresses, bytes, source, 4);
  }

  private fill(frame: Frame, offset: number, broadcast: boolean): void {
    const { packet } = this.options;
    const { bytes } = frame;
    packet.bytes = bytes;
    packet.frame = frame;
    packet.version = 4;
    packet.header = offset;
    packet.source = ipv4Source(offset);
    packet.destination = ipv4Destination(offset);
    packet.protocol = ipv4Protocol(bytes, offset);
    packet.payload = offset + ipv4HeaderLength(bytes, offset);
    packet.end = offset + ipv4TotalLength(bytes, offset);
    packet.dontFragment = ipv4DontFragment(bytes, offset);
    packet.hopLimit = ipv4TimeToLive(bytes, offset);
    packet.checksumTrusted = frame.checksumTrusted;
    packet.segmentSize = frame.segmentSize;
    packet.broadcast = broadcast;
  }

  private receiveFragment(): void {
    const { packet, reassembler, frames } = this.options;
    const { bytes, header, payload, end, protocol, broadcast } = packet;
    const offset = ipv4FragmentOffset(bytes, header);
    const more = ipv4MoreFragments(bytes, header);
    const length = end - payload;
    if (length === 0 || (more && length % 8 !== 0) || IPV4_HEADER + offset + length > IPV4_MAX_PACKET) {
      this.options.counters.ipv4.fragmentsDropped++;
      return;
    }
    const whole = reassembler.add(packet, ipv4Identification(bytes, header), protocol, payload, offset, more);
    if (whole === null) return;
    // with the first fragment's options, it may be longer than a packet can be
    if (whole.end - whole.start > IPV4_MAX_PACKET) {
      this.options.counters.ipv4.malformed++;
    } else {
      this.fill(whole, whole.start, broadcast);
      this.deliver();
    }
    if (!whole.held) frames.release(whole);
  }

  private deliver(): void {
    const { packet, protocols, counters, icmp } = this.options;
    switch (packet.protocol) {
      case TCP_PROTOCOL:
        protocols.tcp.receive(packet);
        break;
      case UDP_PROTOCOL:
        protocols.udp.receive(packet);
        break;
      case ICMP_PROTOCOL:
        protocols.icmpv4.receive(packet);
        break;
      default:
        counters.ipv4.unknownProtocol++;
        icmp.protocolUnreachable(packet.bytes, packet.header, packet.end);
    }
  }
}
