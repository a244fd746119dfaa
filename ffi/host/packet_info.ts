/**
 * The address of this host that a datagram was sent to, of sockets on the wildcard; and the same for an answer, which
 * must come from there: else the system chooses one by the route, and a client drops what comes from another address
 * than it asked (ip(7), "IP_PKTINFO"; RFC 3542, section 6).
 *
 *     cmsghdr       0 length (64)   8 level (32)   12 type (32)   16 ...
 *     in_pktinfo    0 interface (32)   4 address to answer from (32)   8 destination (32)
 *     in6_pktinfo   0 destination (128)   16 interface (32)
 *
 * A socket of IPv6 that takes IPv4 as well has both: of an IPv4 datagram the kernel then tells both.
 *
 * @module
 */
import type { IpAddress, IpVersion } from "../../stack/base/address.ts";
import { word } from "../libc/error_queue.ts";
import { CMSG_HEADER } from "../libc/message.ts";
import { IP_PKTINFO, IPPROTO_IP, IPPROTO_IPV6, IPV6_PKTINFO } from "../libc/constants/socket.ts";

const INFO4_SIZE = 12, INFO6_SIZE = 20;
/** In `in_pktinfo`: what the destination of a broadcast or multicast can't be, an address of this host. */
const SPEC_DST = 4;

/** Bytes of the longer control message, aligned. */
export const PACKET_INFO_SPACE = 40;
/** Bytes of both kinds, which a receive must have room for. */
export const PACKET_INFO_ROOM = 2 * PACKET_INFO_SPACE;

/** Writes the control message for what is to come from that address; returns the bytes that it takes. */
export function putPacketInfo(control: Uint8Array, from: IpAddress): number {
  const four = from.version === 4;
  control.fill(0, 0, PACKET_INFO_SPACE);
  control[0] = CMSG_HEADER + (four ? INFO4_SIZE : INFO6_SIZE);
  control[8] = four ? IPPROTO_IP : IPPROTO_IPV6;
  control[12] = four ? IP_PKTINFO : IPV6_PKTINFO;
  control.set(from.bytes, CMSG_HEADER + (four ? SPEC_DST : 0));
  return four ? 32 : PACKET_INFO_SPACE;
}

/** Reads control messages; the fields are those of the address that was found last. */
export class PacketInfo {
  /** Where the address is, and of which version. */
  at = 0;
  version: IpVersion = 4;

  /** Finds an address to answer from among the `length` bytes at `start`; false: there is none. */
  find(control: Uint8Array, start: number, length: number): boolean {
    let found = false;
    for (let at = start; at + CMSG_HEADER <= start + length;) {
      const size = word(control, at);
      if (size < CMSG_HEADER) break;
      const level = word(control, at + 8), type = word(control, at + 12), data = at + CMSG_HEADER;
      if (level === IPPROTO_IP && type === IP_PKTINFO) {
        this.at = data + SPEC_DST;
        this.version = 4;
        return word(control, this.at) !== 0;
      }
      if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO && control[data] !== 0xff) { // multicast is no address of ours
        this.at = data;
        this.version = 6;
        found = true;
      }
      at += Math.ceil(size / 8) * 8;
    }
    return found;
  }
}
