/**
 * Sends a datagram in fragments (RFC 791, section 3.2; RFC 8200, section 4.5): the transport header and the payload are
 * cut at multiples of 8 bytes, and each piece gets its own IP header. The payload is referenced, not copied.
 *
 * @module
 */
import type { IpAddress } from "../base/address.ts";
import type { IpCounters } from "../base/counters.ts";
import { type Allocate, Transmit, TRANSPORT_AT } from "../base/device.ts";
import type { Link } from "../link/link.ts";
import { copyShort } from "../base/bytes.ts";
import { IPV4_HEADER, IPV4_MORE_FRAGMENTS, putIpv4 } from "../wire/ipv4.ts";
import { IPV6_HEADER, putIpv6 } from "../wire/ipv6.ts";
import { FRAGMENT, FRAGMENT_HEADER, putFragment } from "../wire/ipv6_extensions.ts";

/** Options of a {@linkcode Fragmenter}. */
export interface FragmenterOptions {
  readonly link: Pick<Link, "send">;
  readonly allocate: Allocate;
  readonly random: () => number;
  readonly counters: { readonly ipv4: IpCounters; readonly ipv6: IpCounters };
}

/** Cuts datagrams into fragments and sends them. */
export class Fragmenter {
  private readonly piece: Transmit;
  /** The last identification over IPv6, where only fragments have one. */
  private identification6: number;
  /** The identification of the present datagram. */
  private identification = 0;
  /** The index of the part in which the next piece's payload starts. */
  private part = 0;
  private partUsed = 0;

  constructor(private readonly options: FragmenterOptions) {
    this.piece = new Transmit(options.allocate);
    this.identification6 = options.random() >>> 0;
  }

  /**
   * Sends a datagram in fragments. Its transport header is at TRANSPORT_AT, with a complete checksum. Returns false if
   * the device did not accept all fragments, so that the datagram is lost.
   *
   * @param mtu the largest packet in bytes
   * @param identification the 16-bit identification for IPv4; this class counts IPv6's itself
   */
  send(
    transmit: Transmit,
    source: IpAddress,
    destination: IpAddress,
    protocol: number,
    hopLimit: number,
    mtu: number,
    identification: number,
  ): boolean {
    const { link, counters } = this.options;
    const version = source.version;
    const headers = version === 4 ? IPV4_HEADER : IPV6_HEADER + FRAGMENT_HEADER;
    const most = (mtu - headers) & ~7;
    const headLength = transmit.headEnd - TRANSPORT_AT;
    if (most < headLength) return false; // the MTU is below IP's minimum for a link (68 bytes, 1280 bytes)
    const total = headLength + transmit.payloadLength;
    if (version === 6) this.identification6 = (this.identification6 + 1) >>> 0;
    this.identification = version === 4 ? identification : this.identification6;
    this.part = 0;
    this.partUsed = 0;
    for (let offset = 0; offset < total; offset += most) {
      const size = Math.min(most, total - offset);
      const { piece } = this;
      const carried = offset === 0 ? headLength : 0;
      piece.begin(carried);
      copyShort(transmit.head.bytes, TRANSPORT_AT, piece.head.bytes, TRANSPORT_AT, carried);
      this.takePayload(transmit, size - carried);
      const more = offset + size < total;
      if (version === 4) this.putHeader4(offset, size, more, source, destination, protocol, hopLimit);
      else this.putHeader6(offset, size, more, source, destination, protocol, hopLimit);
      (version === 4 ? counters.ipv4 : counters.ipv6).fragmentsOut++;
      if (!link.send(piece, destination)) return false;
    }
    return true;
  }

  private takePayload(transmit: Transmit, wanted: number): void {
    while (wanted > 0) {
      const length = Math.min(wanted, transmit.partLengths[this.part] - this.partUsed);
      const offset = transmit.partOffsets[this.part] + this.partUsed;
      if (length > 0) this.piece.addPart(transmit.partBlocks[this.part], offset, length);
      wanted -= length;
      this.partUsed += length;
      if (this.partUsed < transmit.partLengths[this.part]) continue;
      this.part++;
      this.partUsed = 0;
    }
  }

  private putHeader4(
    offset: number,
    size: number,
    more: boolean,
    source: IpAddress,
    destination: IpAddress,
    protocol: number,
    hopLimit: number,
  ): void {
    const { piece, identification } = this;
    piece.headStart = TRANSPORT_AT - IPV4_HEADER;
    const field = (more ? IPV4_MORE_FRAGMENTS : 0) | (offset >> 3);
    const length = IPV4_HEADER + size;
    putIpv4(piece.head.bytes, piece.headStart, length, identification, field, hopLimit, protocol, source, destination);
  }

  private putHeader6(
    offset: number,
    size: number,
    more: boolean,
    source: IpAddress,
    destination: IpAddress,
    protocol: number,
    hopLimit: number,
  ): void {
    const { piece, identification } = this;
    const { bytes } = piece.head;
    const fragment = TRANSPORT_AT - FRAGMENT_HEADER;
    piece.headStart = fragment - IPV6_HEADER;
    putIpv6(bytes, piece.headStart, FRAGMENT_HEADER + size, FRAGMENT, hopLimit, source, destination);
    putFragment(bytes, fragment, protocol, offset, more, identification);
  }
}
