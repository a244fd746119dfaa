/**
 * Ping: the program itself answers echo requests to any address, with the request's own bytes as the payload. A handler
 * may take over requests before that, to ping the real destination or to give no answer.
 *
 * @module
 */
import { IpAddress, type IpVersion } from "../base/address.ts";
import type { IcmpCounters } from "../base/counters.ts";
import { type Allocate, type Block, Transmit, TRANSPORT_AT } from "../base/device.ts";
import type { IpSender } from "../base/layers.ts";
import type { Packet } from "../base/packet.ts";
import { ICMP_CHECKSUM, ICMP_HEADER, putEchoReply } from "../wire/icmp.ts";
import { ICMP4_ECHO_REPLY, ICMP_PROTOCOL } from "../wire/icmpv4.ts";
import { ICMP6_ECHO_REPLY, ICMPV6_PROTOCOL } from "../wire/icmpv6.ts";

/**
 * Called with each well-formed echo request to a single host. Returns true if it handles the request, and false if the
 * program should answer as the destination. Must not throw, and must not keep the packet.
 */
export type EchoHandler = (request: Packet) => boolean;

/** The longest payload of an ICMP message (in IPv6, without extension headers). */
const MAX_PAYLOAD = 65_535 - ICMP_HEADER;

/** Options of an {@linkcode EchoResponder}. */
export interface EchoOptions {
  readonly ip: IpSender;
  readonly allocate: Allocate;
  readonly counters: IcmpCounters;
  readonly handler: EchoHandler;
}

/** Answers echo requests, or passes them to the user. */
export class EchoResponder {
  private readonly transmit: Transmit;
  /** The block that payloads from other memory are copied to; made at the first use. */
  private scratch: Block | null = null;

  constructor(private readonly options: EchoOptions) {
    this.transmit = new Transmit(options.allocate);
  }

  /** Handles an echo request of either version. */
  receive(request: Packet): void {
    const { counters, handler } = this.options;
    counters.echoRequests++;
    const { bytes, frame, version, payload } = request;
    if (request.broadcast || frame === null || handler(request)) return;
    const from = IpAddress.at(bytes, request.destination, version);
    const to = IpAddress.at(bytes, request.source, version);
    this.begin(version, bytes, payload);
    this.transmit.addPart(frame.block, payload + ICMP_HEADER, request.end - payload - ICMP_HEADER);
    this.send(from, to);
  }

  /**
   * Answers a request with the real destination's payload, a copy of `bytes[offset .. offset + length)`.
   *
   * @param from the request's destination
   * @param to the request's source
   * @param request the request's ICMP header, at `at`
   * @param hopLimit 1 to 255
   */
  reply(
    from: IpAddress,
    to: IpAddress,
    request: Uint8Array,
    at: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    hopLimit: number,
  ): void {
    if (length > MAX_PAYLOAD) return;
    const scratch = this.scratch ??= this.options.allocate(MAX_PAYLOAD);
    scratch.bytes.set(bytes.subarray(offset, offset + length));
    this.begin(from.version, request, at);
    this.transmit.hopLimit = hopLimit;
    if (length > 0) this.transmit.addPart(scratch, 0, length);
    this.send(from, to);
  }

  private begin(version: IpVersion, request: Uint8Array, at: number): void {
    const { transmit } = this;
    transmit.begin(ICMP_HEADER);
    putEchoReply(transmit.head.bytes, TRANSPORT_AT, version === 4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY, request, at);
  }

  private send(from: IpAddress, to: IpAddress): void {
    const { ip, counters } = this.options;
    counters.echoReplies++;
    ip.send(this.transmit, from, to, from.version === 4 ? ICMP_PROTOCOL : ICMPV6_PROTOCOL, ICMP_CHECKSUM);
  }
}
