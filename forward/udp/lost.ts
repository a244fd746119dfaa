/**
 * Reports a datagram to the guest that the host could not deliver, by the ICMP error of the router or host that reported
 * it. The packet that the error quotes is rebuilt from the guest's address, the datagram's destination and the part of its
 * data that was kept.
 *
 * The guest's kernel looks at the addresses and ports in the quotation. Fields that are not known any more, such as the
 * identification, are 0.
 *
 * @module
 */
import type { Endpoint } from "../../stack/base/address.ts";
import type { IcmpOutput } from "../../stack/icmp/output.ts";
import { addSums, complement, partialSum, pseudoHeaderSumOf } from "../../stack/wire/checksum.ts";
import { ICMP4_TIME_EXCEEDED, ICMP4_UNREACHABLE, UNREACHABLE4_FRAGMENTATION_NEEDED } from "../../stack/wire/icmpv4.ts";
import { ICMP6_PACKET_TOO_BIG, ICMP6_TIME_EXCEEDED, ICMP6_UNREACHABLE } from "../../stack/wire/icmpv6.ts";
import { IPV4_DONT_FRAGMENT, IPV4_HEADER, IPV4_MAX_PACKET, putIpv4 } from "../../stack/wire/ipv4.ts";
import { IPV6_HEADER, putIpv6 } from "../../stack/wire/ipv6.ts";
import { putUdp, UDP_CHECKSUM, UDP_HEADER, UDP_PROTOCOL } from "../../stack/wire/udp.ts";
import { put16 } from "../../stack/base/bytes.ts";
import type { HostFailure, LostDatagram } from "../host/host_network.ts";
import { speakerFor, unreachableFor } from "../host/unreachable.ts";

/** Sends ICMP errors to the guest. */
export type LossErrors = Pick<IcmpOutput, "relay" | "unreachable" | "packetTooBig">;

/** The hop limit of a packet where it was lost. */
const LAST_HOP = 1;

/**
 * Reports a lost datagram to the guest: by the error of a router or of the destination, or by the error that a router in
 * the host's place would send. Errors that are of no use to the guest are not passed on.
 *
 * @param guest the datagram's source
 * @param to its destination, as the guest knows it
 */
export function tellLost(
  errors: LossErrors,
  guest: Endpoint,
  to: Endpoint,
  failure: HostFailure,
  lost: LostDatagram,
): void {
  const packet = lostPacket(guest, to, lost.data, lost.length);
  const { icmp, mtu } = lost;
  if (icmp !== null) {
    const { type, code, from } = icmp;
    if (!isRelayed(to.address.version === 4, type)) return;
    const rest = isTooBig(to.address.version === 4, type, code) ? mtu : 0;
    errors.relay(
      type,
      code,
      speakerFor(from, guest.address),
      packet,
      0,
      packet.length,
      rest,
    );
  } else if (mtu > 0) {
    errors.packetTooBig(mtu, packet, 0, packet.length);
  } else {
    const what = unreachableFor(failure);
    if (what !== null) errors.unreachable(what, packet, 0, packet.length);
  }
}

/**
 * An IP packet with the UDP datagram that went from one endpoint to another of the same version.
 *
 * @param data the beginning of its data; `length`: the length of all its data
 */
export function lostPacket(from: Endpoint, to: Endpoint, data: Uint8Array, length: number): Uint8Array {
  const four = from.address.version === 4;
  const header = four ? IPV4_HEADER : IPV6_HEADER;
  const size = UDP_HEADER + Math.min(length, IPV4_MAX_PACKET - IPV4_HEADER - UDP_HEADER);
  const packet = new Uint8Array(header + UDP_HEADER + data.length);
  if (four) {
    const total = IPV4_HEADER + size;
    putIpv4(packet, 0, total, 0, IPV4_DONT_FRAGMENT, LAST_HOP, UDP_PROTOCOL, from.address, to.address);
  } else {
    putIpv6(packet, 0, size, UDP_PROTOCOL, LAST_HOP, from.address, to.address);
  }
  putUdp(packet, header, from.port, to.port, size);
  packet.set(data, header + UDP_HEADER);
  if (data.length === length) {
    const pseudo = pseudoHeaderSumOf(from.address, to.address, UDP_PROTOCOL, size);
    const sum = complement(addSums(pseudo, partialSum(packet, header, size)));
    put16(packet, header + UDP_CHECKSUM, sum || 0xffff); // 0 would mean that there is no checksum
  }
  return packet;
}

/** Whether a message stays true for the rebuilt packet. A parameter problem, for example, points into the old header. */
function isRelayed(four: boolean, type: number): boolean {
  if (four) return type === ICMP4_UNREACHABLE || type === ICMP4_TIME_EXCEEDED;
  return type === ICMP6_UNREACHABLE || type === ICMP6_TIME_EXCEEDED || type === ICMP6_PACKET_TOO_BIG;
}

function isTooBig(four: boolean, type: number, code: number): boolean {
  if (four) return type === ICMP4_UNREACHABLE && code === UNREACHABLE4_FRAGMENTATION_NEEDED;
  return type === ICMP6_PACKET_TOO_BIG;
}
