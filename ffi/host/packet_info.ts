/**
 * Control messages with the address of this host that a datagram was sent to, for sockets on the wildcard, and with the
 * source address of an answer. Without it the system chooses an address by the route, and a client drops an answer that
 * comes from another address than it asked (ip(7), "IP_PKTINFO"; RFC 3542, section 6).
 *
 *     cmsghdr       0 length (64)   8 level (32)   12 type (32)   16 ...
 *     in_pktinfo    0 interface (32)   4 address to answer from (32)   8 destination (32)
 *     in6_pktinfo   0 destination (128)   16 interface (32)
 *
 * For an IPv4 datagram on an IPv6 socket the kernel sends both messages.
 *
 * @module
 */
import type { IpAddress, IpVersion } from "../../stack/base/address.ts";
import { word } from "../libc/error_queue.ts";
import { CMSG_HEADER } from "../libc/message.ts";
import { IP_PKTINFO, IPPROTO_IP, IPPROTO_IPV6, IPV6_PKTINFO } from "../libc/constants/socket.ts";

const INFO4_SIZE = 12, INFO6_SIZE = 20;
/** The offset in `in_pktinfo` of the address to answer from, which is this host's even for broadcast and multicast. */
const SPEC_DST = 4;

/** Bytes of the longer control message, aligned. */
export const PACKET_INFO_SPACE = 40;
/** Bytes of both kinds together, the room that a receive needs. */
export const PACKET_INFO_ROOM = 2 * PACKET_INFO_SPACE;

/** Writes the control message that sets a datagram's source address. Returns its length. */
export function putPacketInfo(control: Uint8Array, from: IpAddress): number {
  const four = from.version === 4;
  control.fill(0, 0, PACKET_INFO_SPACE);
  control[0] = CMSG_HEADER + (four ? INFO4_SIZE : INFO6_SIZE);
  control[8] = four ? IPPROTO_IP : IPPROTO_IPV6;
  control[12] = four ? IP_PKTINFO : IPV6_PKTINFO;
  control.set(from.bytes, CMSG_HEADER + (four ? SPEC_DST : 0));
  return four ? 32 : PACKET_INFO_SPACE;
}

/** Reads control messages. The fields describe the address that was found last. */
export class PacketInfo {
  /** The offset of the address. */
  at = 0;
  /** The address's IP version. */
  version: IpVersion = 4;

  /** Finds an address to answer from in the `length` bytes at `start`. Returns false if there is none. */
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
      if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO && control[data] !== 0xff) { // multicast can't be a source
        this.at = data;
        this.version = 6;
        found = true;
      }
      at += Math.ceil(size / 8) * 8;
    }
    return found;
  }
}
