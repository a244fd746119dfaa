/**
 * Sends ICMP errors to the guest, about packets that it sent.
 *
 * An error quotes as much of the packet as fits: at most 576 bytes in all for IPv4 (RFC 1812, section 4.3.2.3), at most
 * the minimum MTU for IPv6 (RFC 4443, section 2.4 (c)). Its source is the program's own address, as if it were a
 * router's. Only "port unreachable" is an error of the destination itself, and has its address as the source (RFC 1122,
 * section 3.2.2.1).
 *
 * @module
 */
import { IpAddress } from "../base/address.ts";
import type { StackAddresses } from "../link/addresses.ts";
import type { IcmpCounters } from "../base/counters.ts";
import { type Allocate, type Block, Transmit, TRANSPORT_AT } from "../base/device.ts";
import type { IcmpErrors, IpSender } from "../base/layers.ts";
import type { Unreachable } from "../base/layers.ts";
import { ICMP_CHECKSUM, ICMP_HEADER, putIcmp } from "../wire/icmp.ts";
import {
  ICMP4_TIME_EXCEEDED,
  ICMP4_UNREACHABLE,
  ICMP_PROTOCOL,
  TIME_EXCEEDED_REASSEMBLY,
  TIME_EXCEEDED_TRANSIT,
  UNREACHABLE4_FRAGMENTATION_NEEDED,
  UNREACHABLE4_HOST,
  UNREACHABLE4_NETWORK,
  UNREACHABLE4_PORT,
  UNREACHABLE4_PROHIBITED,
  UNREACHABLE4_PROTOCOL,
} from "../wire/icmpv4.ts";
import {
  ICMP6_PACKET_TOO_BIG,
  ICMP6_PARAMETER_PROBLEM,
  ICMP6_TIME_EXCEEDED,
  ICMP6_UNREACHABLE,
  ICMPV6_PROTOCOL,
  UNREACHABLE6_ADDRESS,
  UNREACHABLE6_NO_ROUTE,
  UNREACHABLE6_PORT,
  UNREACHABLE6_PROHIBITED,
} from "../wire/icmpv6.ts";
import { IPV4_HEADER, ipv4Destination, ipv4Source } from "../wire/ipv4.ts";
import { IPV6_HEADER, IPV6_MINIMUM_MTU, ipv6Destination, ipv6Source } from "../wire/ipv6.ts";
import { isEligible } from "./eligible.ts";
import { TokenBucket } from "./token_bucket.ts";

/**
 * Errors per second: Linux's `icmp_msgs_per_sec`; and the burst, `icmp_msgs_burst`. A guest whose connections fail gets
 * every error it needs, and a guest that floods costs the program a few milliseconds per second.
 */
export const ERRORS_PER_SECOND = 1000;
export const ERROR_BURST = 50;
/** The burst as a share of the errors per second, for rates other than the default. */
const BURST_SHARE = ERROR_BURST / ERRORS_PER_SECOND;

/** The longest quotation, by IP version. */
const QUOTE4 = 576 - IPV4_HEADER - ICMP_HEADER;
const QUOTE6 = IPV6_MINIMUM_MTU - IPV6_HEADER - ICMP_HEADER;

const CODES4: Record<Unreachable, number> = {
  network: UNREACHABLE4_NETWORK,
  host: UNREACHABLE4_HOST,
  port: UNREACHABLE4_PORT,
  prohibited: UNREACHABLE4_PROHIBITED,
};

const CODES6: Record<Unreachable, number> = {
  network: UNREACHABLE6_NO_ROUTE,
  host: UNREACHABLE6_ADDRESS,
  port: UNREACHABLE6_PORT,
  prohibited: UNREACHABLE6_PROHIBITED,
};

/** Options of an {@linkcode IcmpOutput}. */
export interface IcmpOutputOptions {
  readonly ip: IpSender;
  readonly addresses: StackAddresses;
  readonly allocate: Allocate;
  readonly clock: () => number;
  readonly counters: IcmpCounters;
  /** Errors per second; {@linkcode ERRORS_PER_SECOND} by default. 0: none at all. */
  readonly errorsPerSecond?: number | undefined;
}

/**
 * Sends ICMP errors to the guest. The packet that an error is about lies in `bytes[offset..end)`, from its IP header
 * on. A method does nothing if {@linkcode isEligible} or the rate limit forbids the error.
 */
export class IcmpOutput implements IcmpErrors {
  private readonly transmit: Transmit;
  private readonly quote: Block;
  /** Errors a second. */
  readonly errorsPerSecond: number;
  private readonly bucket: TokenBucket;

  constructor(private readonly options: IcmpOutputOptions) {
    this.errorsPerSecond = options.errorsPerSecond ?? ERRORS_PER_SECOND;
    this.bucket = new TokenBucket(this.errorsPerSecond, Math.ceil(this.errorsPerSecond * BURST_SHARE));
    this.transmit = new Transmit(options.allocate);
    this.quote = options.allocate(QUOTE6);
  }

  /** The number of errors sent in this second. */
  get recentErrors(): number {
    return this.bucket.recent(this.options.clock());
  }

  unreachable(what: Unreachable, bytes: Uint8Array, offset: number, end: number): void {
    const four = isVersion4(bytes, offset);
    const type = four ? ICMP4_UNREACHABLE : ICMP6_UNREACHABLE;
    const from = what === "port" ? destinationOf(bytes, offset) : null;
    this.send(type, four ? CODES4[what] : CODES6[what], 0, from, bytes, offset, end);
  }

  /** Sends IPv4's protocol unreachable. (IPv6 has a parameter problem for that.) */
  protocolUnreachable(bytes: Uint8Array, offset: number, end: number): void {
    this.send(ICMP4_UNREACHABLE, UNREACHABLE4_PROTOCOL, 0, destinationOf(bytes, offset), bytes, offset, end);
  }

  /** Sends time exceeded: the packet's hop limit has run out here. */
  timeExceeded(bytes: Uint8Array, offset: number, end: number): void {
    const type = isVersion4(bytes, offset) ? ICMP4_TIME_EXCEEDED : ICMP6_TIME_EXCEEDED;
    this.send(type, TIME_EXCEEDED_TRANSIT, 0, null, bytes, offset, end);
  }

  /** Sends time exceeded: the datagram of this first fragment was not complete in time. */
  reassemblyTimeExceeded(bytes: Uint8Array, offset: number, end: number): void {
    const type = isVersion4(bytes, offset) ? ICMP4_TIME_EXCEEDED : ICMP6_TIME_EXCEEDED;
    this.send(type, TIME_EXCEEDED_REASSEMBLY, 0, null, bytes, offset, end);
  }

  /** Sends IPv6's parameter problem; `pointer` counts from the IP header. */
  parameterProblem(code: number, pointer: number, bytes: Uint8Array, offset: number, end: number): void {
    this.send(ICMP6_PARAMETER_PROBLEM, code, pointer, null, bytes, offset, end);
  }

  /** Reports that the path to the destination accepts packets of at most `mtu` bytes (RFC 1191, RFC 8201). */
  packetTooBig(mtu: number, bytes: Uint8Array, offset: number, end: number): void {
    if (isVersion4(bytes, offset)) {
      const rest = Math.min(mtu, 0xffff);
      this.send(ICMP4_UNREACHABLE, UNREACHABLE4_FRAGMENTATION_NEEDED, rest, null, bytes, offset, end);
    } else {
      this.send(ICMP6_PACKET_TOO_BIG, 0, mtu, null, bytes, offset, end);
    }
  }

  /**
   * Passes on an ICMP error of the host's network about the packet. The type and code are those of its IP version's
   * ICMP.
   *
   * @param from the error's sender; null: the program itself
   * @param rest the rest of the message's header as one number, such as an MTU
   */
  relay(
    type: number,
    code: number,
    from: IpAddress | null,
    bytes: Uint8Array,
    offset: number,
    end: number,
    rest = 0,
  ): void {
    this.send(type, code, rest, from, bytes, offset, end);
  }

  /** @param sender null: the program */
  private send(
    type: number,
    code: number,
    rest: number,
    sender: IpAddress | null,
    bytes: Uint8Array,
    offset: number,
    end: number,
  ): void {
    const { ip, addresses, clock, counters } = this.options;
    if (!isEligible(addresses, bytes, offset, end)) {
      counters.errorsForbidden++;
      return;
    }
    if (!this.bucket.take(clock())) {
      counters.errorsLimited++;
      return;
    }
    const version = isVersion4(bytes, offset) ? 4 : 6;
    const length = Math.min(end - offset, version === 4 ? QUOTE4 : QUOTE6);
    this.quote.bytes.set(bytes.subarray(offset, offset + length));
    const { transmit } = this;
    transmit.begin(ICMP_HEADER);
    putIcmp(transmit.head.bytes, TRANSPORT_AT, type, code, rest);
    transmit.addPart(this.quote, 0, length);
    const from = sender ?? (version === 4 ? addresses.gateway4 : addresses.gateway6);
    const to = IpAddress.at(bytes, version === 4 ? ipv4Source(offset) : ipv6Source(offset), version);
    counters.errorsOut++;
    ip.send(transmit, from, to, version === 4 ? ICMP_PROTOCOL : ICMPV6_PROTOCOL, ICMP_CHECKSUM);
  }
}

function destinationOf(bytes: Uint8Array, offset: number): IpAddress {
  const four = isVersion4(bytes, offset);
  return IpAddress.at(bytes, four ? ipv4Destination(offset) : ipv6Destination(offset), four ? 4 : 6);
}

function isVersion4(bytes: Uint8Array, offset: number): boolean {
  return bytes[offset] >> 4 === 4;
}
