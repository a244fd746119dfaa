/**
 * A UDP datagram from the guest, as its user sees it.
 *
 * @module
 */
import { type Endpoint, IpAddress, type IpVersion } from "../base/address.ts";
import type { IcmpErrors } from "../base/layers.ts";
import { Packet } from "../base/packet.ts";
import type { Unreachable } from "../base/layers.ts";

/**
 * A received datagram. One object is reused for all datagrams; a reader that needs something later copies it. All
 * offsets are into {@linkcode bytes}.
 */
export class UdpDatagram {
  /** The IP packet. Several datagrams share one if the guest's kernel passed them as one. */
  packet: Packet = new Packet();
  guestPort = 0;
  /** The port that the guest sent to. */
  localPort = 0;
  /** Offset and length of the data. */
  payload = 0;
  length = 0;

  constructor(private readonly icmp: IcmpErrors) {}

  get bytes(): Uint8Array {
    return this.packet.bytes;
  }

  get version(): IpVersion {
    return this.packet.version;
  }

  /** Offset of the 4 or 16 bytes of the guest's address. */
  get guestAddress(): number {
    return this.packet.source;
  }

  /** Offset of the 4 or 16 bytes of the address that the guest sent to. */
  get localAddress(): number {
    return this.packet.destination;
  }

  /** Whether it was sent to a broadcast or multicast address. */
  get broadcast(): boolean {
    return this.packet.broadcast;
  }

  /** The time to live or hop limit with which it arrived. */
  get hopLimit(): number {
    return this.packet.hopLimit;
  }

  /** See {@linkcode Packet.dontFragment}. */
  get dontFragment(): boolean {
    return this.packet.dontFragment;
  }

  /** The guest's endpoint, as a new object. */
  guest(): Endpoint {
    return { address: IpAddress.at(this.bytes, this.guestAddress, this.version), port: this.guestPort };
  }

  /** The endpoint that the guest sent it to, as a new object. */
  local(): Endpoint {
    return { address: IpAddress.at(this.bytes, this.localAddress, this.version), port: this.localPort };
  }

  /** Sends an ICMP time exceeded about it, unless the rules or the rate limit forbid that. */
  timeExceeded(): void {
    this.icmp.timeExceeded(this.packet.bytes, this.packet.header, this.packet.end);
  }

  /** Sends an ICMP destination unreachable about it, unless the rules or the rate limit forbid that. */
  unreachable(what: Unreachable): void {
    this.icmp.unreachable(what, this.packet.bytes, this.packet.header, this.packet.end);
  }
}
