/**
 * IPv6's receiving side. It drops invalid packets, walks the extension headers, and reassembles fragments. Packets then
 * go to their protocol whatever their destination, because the program stands for all addresses.
 *
 * @module
 */
import { isOwnAddress } from "../link/addresses.ts";
import type { Frame } from "../base/device.ts";
import { ICMPV6_PROTOCOL } from "../wire/icmpv6.ts";
import {
  IPV6_HEADER,
  IPV6_MAX_PAYLOAD,
  ipv6Destination,
  ipv6HopLimit,
  ipv6NextHeaderAt,
  ipv6PayloadLength,
  ipv6PayloadLengthAt,
  ipv6Source,
  isIpv6,
  isLoopback6,
  isMapped6,
  isMulticast6,
  isUnspecified6,
} from "../wire/ipv6.ts";
import {
  ExtensionWalk,
  FRAGMENT_HEADER,
  fragmentOffset6,
  identification6,
  moreFragments6,
  NO_NEXT_HEADER,
  PROBLEM_HEADER_FIELD,
  PROBLEM_INCOMPLETE_CHAIN,
  PROBLEM_NEXT_HEADER,
} from "../wire/ipv6_extensions.ts";
import { TCP_PROTOCOL } from "../wire/tcp.ts";
import { UDP_PROTOCOL } from "../wire/udp.ts";
import type { IpInputOptions } from "./protocols.ts";

/** The bytes of a transport header that a first fragment must contain: ports, or ICMPv6's type and checksum. */
const LEAST_TRANSPORT = 8;

/** Handles the guest's IPv6 packets. */
export class Ipv6Input {
  private readonly walk = new ExtensionWalk();
  private readonly ahead = new ExtensionWalk(false);

  constructor(private readonly options: IpInputOptions) {}

  /** Handles the packet at `offset` of the frame. `group`: the frame was sent to a group of stations. */
  receive(frame: Frame, offset: number, group: boolean): void {
    const counters = this.options.counters.ipv6;
    const { bytes } = frame;
    counters.packetsIn++;
    if (!isIpv6(bytes, offset, frame.end)) {
      counters.malformed++;
      return;
    }
    const multicast = isMulticast6(bytes, ipv6Destination(offset));
    const nowhere = isUnspecified6(bytes, ipv6Destination(offset)); // RFC 4291, section 2.5.2
    if (nowhere || (group && !multicast) || !this.isSourceAcceptable(bytes, ipv6Source(offset), multicast)) {
      counters.martian++;
      return;
    }
    this.fill(frame, offset, multicast);
    this.proceed(false);
  }

  /**
   * Whether the source is valid. `::` is the source of a host that has no address yet, and may send to groups only.
   * IPv4-mapped addresses are only for use within a host (RFC 6890, section 2.2.3). The program's own addresses are not
   * the guest's.
   */
  private isSourceAcceptable(bytes: Uint8Array, source: number, multicast: boolean): boolean {
    if (isUnspecified6(bytes, source)) return multicast;
    if (isMulticast6(bytes, source) || isLoopback6(bytes, source) || isMapped6(bytes, source)) return false;
    return !isOwnAddress(this.options.addresses, bytes, source, 6);
  }

  /** Fills in the packet except for the fields that follow from the extension headers, and starts to walk those. */
  private fill(frame: Frame, offset: number, multicast: boolean): void {
    const { packet } = this.options;
    const { bytes } = frame;
    packet.bytes = bytes;
    packet.frame = frame;
    packet.version = 6;
    packet.header = offset;
    packet.source = ipv6Source(offset);
    packet.destination = ipv6Destination(offset);
    packet.end = offset + IPV6_HEADER + ipv6PayloadLength(bytes, offset);
    packet.dontFragment = true;
    packet.hopLimit = ipv6HopLimit(bytes, offset);
    packet.checksumTrusted = frame.checksumTrusted;
    packet.segmentSize = frame.segmentSize;
    packet.broadcast = multicast;
    const namedAt = ipv6NextHeaderAt(offset);
    this.walk.begin(bytes[namedAt], namedAt, offset + IPV6_HEADER);
  }

  /** Continues the walk, and handles its result. `whole`: there can be no other fragment header. */
  private proceed(whole: boolean): void {
    const { walk } = this;
    const { packet, counters } = this.options;
    switch (walk.run(packet.bytes, packet.end)) {
      case "transport":
        this.deliver();
        break;
      case "fragment":
        if (whole) counters.ipv6.extensions++;
        else this.receiveFragment();
        break;
      case "truncated":
        counters.ipv6.malformed++;
        break;
      case "discard":
        counters.ipv6.extensions++;
        break;
      case "problem":
        counters.ipv6.extensions++;
        this.sendParameterProblem(walk.problemCode, walk.problemAt);
        break;
    }
  }

  private receiveFragment(): void {
    const { walk } = this;
    const { packet, reassembler, frames, counters } = this.options;
    const { bytes, header, broadcast } = packet;
    const offset = fragmentOffset6(bytes, walk.at);
    const more = moreFragments6(bytes, walk.at);
    if (offset === 0 && !more) { // an atomic fragment is handled without regard to others (RFC 6946, section 4)
      walk.skipFragment(bytes);
      this.proceed(true);
      return;
    }
    const data = walk.at + FRAGMENT_HEADER;
    const length = packet.end - data;
    if (more && length % 8 !== 0) {
      this.rejectFragment(PROBLEM_HEADER_FIELD, ipv6PayloadLengthAt(header));
    } else if (length === 0 || offset + length > IPV6_MAX_PAYLOAD) {
      counters.ipv6.fragmentsDropped++;
    } else if (offset === 0 && !this.hasWholeChain()) {
      this.rejectFragment(PROBLEM_INCOMPLETE_CHAIN, header);
    } else {
      const whole = reassembler.add(packet, identification6(bytes, walk.at), 0, data, offset, more);
      if (whole === null) return;
      this.fill(whole, whole.start, broadcast);
      packet.dontFragment = false;
      this.proceed(true);
      if (!whole.held) frames.release(whole);
    }
  }

  /** Whether a first fragment holds all headers up to the transport's (RFC 7112, section 5). */
  private hasWholeChain(): boolean {
    const { walk, ahead } = this;
    const { bytes, end } = this.options.packet;
    ahead.begin(bytes[walk.at], walk.at, walk.at + FRAGMENT_HEADER);
    const result = ahead.run(bytes, end);
    if (result === "truncated") return false;
    return result !== "transport" || ahead.protocol === NO_NEXT_HEADER || ahead.at + LEAST_TRANSPORT <= end;
  }

  private rejectFragment(code: number, at: number): void {
    this.options.counters.ipv6.fragmentsDropped++;
    this.sendParameterProblem(code, at);
  }

  /** Sends a parameter problem about the byte at offset `at`. */
  private sendParameterProblem(code: number, at: number): void {
    const { bytes, header, end } = this.options.packet;
    this.options.icmp.parameterProblem(code, at - header, bytes, header, end);
  }

  private deliver(): void {
    const { packet, protocols, counters } = this.options;
    const { walk } = this;
    packet.protocol = walk.protocol;
    packet.payload = walk.at;
    switch (walk.protocol) {
      case TCP_PROTOCOL:
        protocols.tcp.receive(packet);
        break;
      case UDP_PROTOCOL:
        protocols.udp.receive(packet);
        break;
      case ICMPV6_PROTOCOL:
        protocols.icmpv6.receive(packet);
        break;
      case NO_NEXT_HEADER:
        break;
      default:
        counters.ipv6.unknownProtocol++;
        this.sendParameterProblem(PROBLEM_NEXT_HEADER, walk.namedAt);
    }
  }
}
