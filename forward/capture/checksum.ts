/**
 * Completes the transport checksums that a sender left to the device, which never computed them.
 *
 * @module
 */
import type { IpVersion } from "../../stack/base/address.ts";
import { get16, put16 } from "../../stack/base/bytes.ts";
import { addSums, complement, partialSum, pseudoHeaderSum } from "../../stack/wire/checksum.ts";
import {
  IPV4_HEADER,
  ipv4Destination,
  ipv4FragmentOffset,
  ipv4HeaderLength,
  ipv4MoreFragments,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
} from "../../stack/wire/ipv4.ts";
import {
  IPV6_HEADER,
  ipv6Destination,
  ipv6NextHeaderAt,
  ipv6PayloadLength,
  ipv6Source,
  isIpv6,
} from "../../stack/wire/ipv6.ts";
import { ExtensionWalk } from "../../stack/wire/ipv6_extensions.ts";
import { TCP_CHECKSUM, TCP_HEADER, TCP_PROTOCOL } from "../../stack/wire/tcp.ts";
import { UDP_CHECKSUM, UDP_HEADER, UDP_PROTOCOL } from "../../stack/wire/udp.ts";

/** Completes checksums; one object serves for all packets. */
export class ChecksumCompleter {
  private readonly extensions = new ExtensionWalk(false);

  /**
   * Puts the checksum of TCP or UDP into the IP packet `bytes[at..end)`. Other packets and fragments stay as they are.
   */
  complete(bytes: Uint8Array, at: number, end: number): void {
    if (bytes[at] >> 4 === 4) this.complete4(bytes, at, end);
    else this.complete6(bytes, at, end);
  }

  private complete4(bytes: Uint8Array, at: number, end: number): void {
    if (end - at < IPV4_HEADER || ipv4FragmentOffset(bytes, at) > 0 || ipv4MoreFragments(bytes, at)) return;
    const header = ipv4HeaderLength(bytes, at), total = ipv4TotalLength(bytes, at);
    if (header < IPV4_HEADER || total < header || total > end - at) return;
    put(bytes, 4, ipv4Source(at), ipv4Destination(at), ipv4Protocol(bytes, at), at + header, at + total);
  }

  private complete6(bytes: Uint8Array, at: number, end: number): void {
    if (!isIpv6(bytes, at, end)) return;
    const last = at + IPV6_HEADER + ipv6PayloadLength(bytes, at);
    const { extensions } = this;
    const namedAt = ipv6NextHeaderAt(at);
    extensions.begin(bytes[namedAt], namedAt, at + IPV6_HEADER);
    if (extensions.run(bytes, last) !== "transport") return;
    put(bytes, 6, ipv6Source(at), ipv6Destination(at), extensions.protocol, extensions.at, last);
  }
}

function put(
  bytes: Uint8Array,
  version: IpVersion,
  source: number,
  destination: number,
  protocol: number,
  transport: number,
  end: number,
): void {
  const isTcp = protocol === TCP_PROTOCOL;
  if (!isTcp && protocol !== UDP_PROTOCOL) return;
  const length = end - transport;
  if (length < (isTcp ? TCP_HEADER : UDP_HEADER)) return;
  const field = transport + (isTcp ? TCP_CHECKSUM : UDP_CHECKSUM);
  if (!isTcp && version === 4 && get16(bytes, field) === 0) return; // no checksum (RFC 768)
  put16(bytes, field, 0);
  const pseudo = pseudoHeaderSum(bytes, source, destination, version, protocol, length);
  const checksum = complement(addSums(pseudo, partialSum(bytes, transport, length)));
  put16(bytes, field, checksum === 0 && !isTcp ? 0xffff : checksum);
}
