/**
 * A received IP packet with checked headers, as the IP layer passes it to the transports. One object is reused for all
 * packets; a reader that needs something later copies it.
 *
 * @module
 */
import type { IpVersion } from "./address.ts";
import type { Frame } from "./device.ts";

/** A received packet with checked headers. All offsets are into `bytes`. */
export class Packet {
  bytes: Uint8Array = new Uint8Array(0);
  /**
   * The frame that `bytes` belongs to, which a transport may hold; null before the first packet. A reassembled packet
   * has a frame too, which may be held in the same way.
   */
  frame: Frame | null = null;
  version: IpVersion = 4;
  /** Offset of the IP header, which an ICMP error quotes. */
  header = 0;
  /** Offset of the 4 or 16 bytes of the source address. */
  source = 0;
  /** Offset of the 4 or 16 bytes of the destination address. */
  destination = 0;
  /** The transport protocol: IPv4's Protocol, or the last Next Header of IPv6. */
  protocol = 0;
  /** Offset of the transport header. */
  payload = 0;
  /** Offset after the last byte of the IP packet, without link padding. */
  end = 0;
  hopLimit = 0;
  /**
   * Whether routers must not fragment it: by IPv4's bit, and for every IPv6 packet that did not arrive in fragments.
   */
  dontFragment = false;
  /** See {@linkcode Frame.checksumTrusted}. */
  checksumTrusted = false;
  /** See {@linkcode Frame.segmentSize}. */
  segmentSize = 0;
  /** Whether it was a link-layer or IP broadcast or multicast: no ICMP error may be sent about it (RFC 1122, 3.2.2). */
  broadcast = false;
}
