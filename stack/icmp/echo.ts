/**
 * Ping: echo requests to any address are answered by the program itself, with the request's own bytes for payload,
 * where they lie. Somebody else may take requests away before that, to ping the real destination or to be silent.
 *
 * @module
 */
import { IpAddress } from "../address.ts";
import type { IcmpCounters } from "../counters.ts";
import { type Allocate, Transmit, TRANSPORT_AT } from "../device.ts";
import type { IpSender } from "../lower.ts";
import type { Packet } from "../packet.ts";
import { ICMP_CHECKSUM, ICMP_HEADER, putEchoReply } from "../wire/icmp.ts";
import { ICMP4_ECHO_REPLY, ICMP_PROTOCOL } from "../wire/icmpv4.ts";
import { ICMP6_ECHO_REPLY, ICMPV6_PROTOCOL } from "../wire/icmpv6.ts";

/**
 * Is shown each well-formed echo request to a single host. True: it is taken care of; false: it is to be answered as
 * if the destination were the program itself. Must not throw, and not keep the packet.
 */
export type EchoHandler = (request: Packet) => boolean;

/** What an {@linkcode EchoResponder} is made of. */
export interface EchoOptions {
  readonly ip: IpSender;
  readonly allocate: Allocate;
  readonly counters: IcmpCounters;
  readonly handler: EchoHandler;
}

/** See the module's text. */
export class EchoResponder {
  private readonly transmit: Transmit;

  constructor(private readonly options: EchoOptions) {
    this.transmit = new Transmit(options.allocate);
  }

  /** Takes an echo request of either version. */
  receive(request: Packet): void {
    const { ip, counters, handler } = this.options;
    counters.echoRequests++;
    const { bytes, frame, version, payload } = request;
    if (request.broadcast || frame === null || handler(request)) return;
    const { transmit } = this;
    transmit.begin(ICMP_HEADER);
    const type = version === 4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY;
    putEchoReply(transmit.head.bytes, TRANSPORT_AT, type, bytes, payload);
    transmit.addPart(frame.block, payload + ICMP_HEADER, request.end - payload - ICMP_HEADER);
    const from = IpAddress.at(bytes, request.destination, version);
    const to = IpAddress.at(bytes, request.source, version);
    counters.echoReplies++;
    ip.send(transmit, from, to, version === 4 ? ICMP_PROTOCOL : ICMPV6_PROTOCOL, ICMP_CHECKSUM);
  }
}
