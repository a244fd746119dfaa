/**
 * ICMP's receiving side, for both versions. It drops malformed messages, passes on echo requests, errors and neighbour
 * discovery, and ignores everything else.
 *
 * @module
 */
import type { IcmpCounters } from "../base/counters.ts";
import type { PacketReceiver } from "../base/layers.ts";
import type { Packet } from "../base/packet.ts";
import { partialSum, transportChecksumOk } from "../wire/checksum.ts";
import { ICMP_HEADER, icmpCode, icmpNextHopMtu, icmpRest, icmpType } from "../wire/icmp.ts";
import { ICMP4_ECHO_REQUEST, ICMP4_UNREACHABLE, UNREACHABLE4_FRAGMENTATION_NEEDED } from "../wire/icmpv4.ts";
import { ICMP6_ECHO_REQUEST, ICMP6_PACKET_TOO_BIG, ICMP6_UNREACHABLE, ICMPV6_PROTOCOL } from "../wire/icmpv6.ts";
import {
  NEIGHBOUR_ADVERTISEMENT,
  NEIGHBOUR_SOLICITATION,
  ROUTER_ADVERTISEMENT,
  ROUTER_SOLICITATION,
} from "../wire/ndp.ts";
import type { EchoResponder } from "./echo.ts";
import type { QuotedErrors } from "./quoted.ts";

/** The receivers of ICMP messages. */
export interface IcmpInputOptions {
  readonly echo: EchoResponder;
  readonly errors: QuotedErrors;
  /** Receives the messages of neighbour discovery (ICMPv6). */
  readonly ndp: (packet: Packet) => void;
  readonly counters: IcmpCounters;
}

/** Handles ICMP messages. */
export class Icmpv4Input implements PacketReceiver {
  constructor(private readonly options: IcmpInputOptions) {}

  receive(packet: Packet): void {
    const { echo, errors, counters } = this.options;
    const { bytes, payload, end } = packet;
    counters.messagesIn++;
    const length = end - payload;
    if (length < ICMP_HEADER || (!packet.checksumTrusted && partialSum(bytes, payload, length) !== 0xffff)) {
      counters.malformed++;
      return;
    }
    switch (icmpType(bytes, payload)) {
      case ICMP4_ECHO_REQUEST:
        echo.receive(packet);
        break;
      case ICMP4_UNREACHABLE:
        if (icmpCode(bytes, payload) === UNREACHABLE4_FRAGMENTATION_NEEDED) {
          errors.receive(packet, "too-big", icmpNextHopMtu(bytes, payload));
        } else {
          errors.receive(packet, "unreachable", 0);
        }
        break;
      default:
        counters.ignored++;
    }
  }
}

/** Handles ICMPv6 messages. */
export class Icmpv6Input implements PacketReceiver {
  constructor(private readonly options: IcmpInputOptions) {}

  receive(packet: Packet): void {
    const { echo, errors, ndp, counters } = this.options;
    const { bytes, payload, end } = packet;
    counters.messagesIn++;
    if (end - payload < ICMP_HEADER || !(packet.checksumTrusted || isChecksumOk(packet))) {
      counters.malformed++;
      return;
    }
    switch (icmpType(bytes, payload)) {
      case ICMP6_ECHO_REQUEST:
        echo.receive(packet);
        break;
      case ICMP6_UNREACHABLE:
        errors.receive(packet, "unreachable", 0);
        break;
      case ICMP6_PACKET_TOO_BIG:
        errors.receive(packet, "too-big", icmpRest(bytes, payload));
        break;
      case NEIGHBOUR_SOLICITATION:
      case NEIGHBOUR_ADVERTISEMENT:
      case ROUTER_SOLICITATION:
      case ROUTER_ADVERTISEMENT:
        ndp(packet);
        break;
      default:
        counters.ignored++;
    }
  }
}

function isChecksumOk(packet: Packet): boolean {
  const { bytes, source, destination, payload, end } = packet;
  return transportChecksumOk(bytes, source, destination, 6, ICMPV6_PROTOCOL, payload, end);
}
