/**
 * A received IP packet whose headers were checked, as the IP layer hands it to the transports. One object is used for
 * all packets; a reader that needs something later copies it.
 *
 * @module
 */
import type { IpVersion } from "./address.ts";
import type { Frame } from "./device.ts";

/** A received packet with checked headers. All offsets are into `bytes`. */
export class Packet {
  bytes: Uint8Array = new Uint8Array(0);
  /**
   * The frame that `bytes` belongs to, so that a transport may hold it; null before the first packet. A reassembled
   * packet's is a frame as well, and may be held in the same way.
   */
  frame: Frame | null = null;
  version: IpVersion = 4;
  /** Offset of the IP header, for the quotation in an ICMP error. */
  header = 0;
  /** Offset of the 4 or 16 bytes of the source address. */
  source = 0;
  /** Offset of the 4 or 16 bytes of the destination address. */
  destination = 0;
  /** The transport protocol: IPv4's Protocol, or the last Next Header of IPv6. */
  protocol = 0;
  /** Offset of the transport header. */
  payload = 0;
  /** Offset behind the last byte of the IP packet (link padding is not part of it). */
  end = 0;
  hopLimit = 0;
  /** Whether no router may fragment it: IPv4's bit, and all of IPv6 but what came in fragments, which others may be, too. */
  dontFragment = false;
  /** See {@linkcode Frame.checksumTrusted}. */
  checksumTrusted = false;
  /** See {@linkcode Frame.segmentSize}. */
  segmentSize = 0;
  /** Whether it came as a link-layer or IP broadcast or multicast: no ICMP error about it (RFC 1122, 3.2.2). */
  broadcast = false;
}
