/**
 * A strict reader of the stack's frames. It trusts nothing, and shares no code with the stack that it judges.
 *
 * It accepts a frame that a careful receiver would accept: all lengths agree with each other and the MTU, all checksums
 * are right (or left to the device in the agreed way), addresses are valid in their places, and options can be parsed.
 * The pieces of a fragmented datagram must follow each other and make a valid whole.
 *
 * @module
 */

/** Thrown for a malformed frame; the message says what is wrong. */
export class Malformed extends Error {
  override name = "Malformed";
}

/** The offloads that a frame asks the device for. */
export interface Offload {
  /** The offset in the frame of the header whose checksum the device completes; -1: none. */
  readonly checksumStart: number;
  readonly checksumOffset: number;
  /** Payload bytes of each segment that the device makes of the frame; 0: it is sent as it is. */
  readonly segmentSize: number;
}

/** The medium of the frames. */
export interface StrictOptions {
  readonly medium: "ethernet" | "ip";
  readonly mtu: number;
}

const TCP = 6, UDP = 17, ICMP4 = 1, ICMP6 = 58, FRAGMENT = 44;
const OUR_MAC = "7071aa4b29aa";
const TCP_FLAGS = { FIN: 1, SYN: 2, RST: 4, ACK: 16 };
const ICMP4_TYPES = [0, 3, 11, 12];
const ICMP6_TYPES = [1, 2, 3, 4, 129, 134, 135, 136];

/** A datagram of which some fragments have come. */
interface Unfinished {
  readonly key: string;
  readonly protocol: number;
  readonly pseudo: Uint8Array;
  readonly pieces: Uint8Array[];
  length: number;
}

/** One's complement sum of 16-bit words in network order, folded (RFC 1071). */
function sum(...pieces: readonly Uint8Array[]): number {
  let total = 0, high = true;
  for (const piece of pieces) {
    for (const byte of piece) {
      total += high ? byte << 8 : byte;
      high = !high;
    }
  }
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000);
  return total;
}

function be16(bytes: Uint8Array, at: number): number {
  return bytes[at] << 8 | bytes[at + 1];
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether an IPv4 address may belong to one host: neither multicast nor broadcast nor unspecified. */
function isHost(address: Uint8Array): boolean {
  return (address[0] < 224 || address[0] >= 240) && !["0.0.0.0", "255.255.255.255"].includes(address.join("."));
}

/** Whether it is a DHCP server's answer to a client without an address, which alone may be broadcast. */
function isDhcp(packet: Uint8Array, header: number): boolean {
  const everyone = packet.subarray(16, 20).every((byte) => byte === 255);
  return everyone && packet[9] === UDP && hex(packet.subarray(header, header + 4)) === "00430044";
}

function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Malformed(what);
}

/** Checks frames in order, and counts their contents. */
export class StrictParser {
  /** Counts of valid frames, by their contents. */
  readonly seen: Map<string, number> = new Map<string, number>();
  private unfinished: Unfinished | null = null;

  constructor(private readonly options: StrictOptions) {}

  /** Throws a {@linkcode Malformed} if the frame is malformed. */
  check(frame: Uint8Array, offload: Offload): void {
    if (this.options.medium === "ip") return this.ip(frame, 0, offload);
    must(frame.length >= 14, "a frame without an Ethernet header");
    must(hex(frame.subarray(6, 12)) === OUR_MAC, "not from our hardware address");
    const to = hex(frame.subarray(0, 6));
    must(to !== OUR_MAC && to !== "000000000000", `to the hardware address ${to}`);
    const type = be16(frame, 12);
    if (type === 0x0806) return this.arp(frame);
    must(type === 0x0800 || type === 0x86dd, `EtherType ${type}`);
    must(frame.length > 14 && frame[14] >> 4 === (type === 0x0800 ? 4 : 6), "EtherType and IP version differ");
    this.ip(frame, 14, offload);
  }

  private count(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }

  private arp(frame: Uint8Array): void {
    must(frame.length === 42, `ARP of ${frame.length} bytes`);
    must(hex(frame.subarray(14, 20)) === "000108000604", "ARP for something else than IPv4 on Ethernet");
    must(be16(frame, 20) === 1 || be16(frame, 20) === 2, "ARP operation");
    must(hex(frame.subarray(22, 28)) === OUR_MAC, "ARP sender");
    this.count("arp");
  }

  private ip(frame: Uint8Array, at: number, offload: Offload): void {
    must(frame.length > at, "an empty frame");
    const version = frame[at] >> 4;
    must(version === 4 || version === 6, `IP version ${version}`);
    if (version === 4) this.ip4(frame, at, offload);
    else this.ip6(frame, at, offload);
  }

  private size(length: number, headers: number, offload: Offload): void {
    const most = offload.segmentSize > 0 ? headers + offload.segmentSize : length;
    must(length <= 65_535 && most <= this.options.mtu, `an IP packet of ${most} bytes, the MTU is ${this.options.mtu}`);
  }

  private ip4(frame: Uint8Array, at: number, offload: Offload): void {
    const packet = frame.subarray(at);
    const header = (packet[0] & 15) * 4;
    must(packet.length >= 20 && header >= 20 && header <= packet.length, "IPv4 header length");
    must(be16(packet, 2) === packet.length, `IPv4 total length ${be16(packet, 2)} of ${packet.length}`);
    must(sum(packet.subarray(0, header)) === 0xffff, "IPv4 header checksum");
    must(packet[8] > 0, "IPv4 TTL 0");
    const source = packet.subarray(12, 16), destination = packet.subarray(16, 20);
    must(isHost(source), `IPv4 source ${source.join(".")}`);
    must(isHost(destination) || isDhcp(packet, header), `IPv4 destination ${destination.join(".")}`);
    const fragment = be16(packet, 6);
    must((fragment & 0x8000) === 0, "IPv4 reserved flag");
    must((fragment & 0x4000) === 0 || (fragment & 0x3fff) === 0, "an IPv4 fragment that must not be fragmented");
    const protocol = packet[9], body = packet.subarray(header);
    const pseudo = packet.subarray(12, 20);
    if ((fragment & 0x3fff) !== 0) {
      this.size(packet.length, 0, { ...offload, segmentSize: 0 });
      const key = `4 ${hex(pseudo)} ${protocol} ${be16(packet, 4)}`;
      return this.fragment(key, protocol, pseudo, body, (fragment & 0x1fff) * 8, (fragment & 0x2000) !== 0);
    }
    this.whole(protocol, pseudo, body, at + header, offload, header, packet.length, packet[8]);
  }

  private ip6(frame: Uint8Array, at: number, offload: Offload): void {
    const packet = frame.subarray(at);
    must(packet.length >= 40, "IPv6 header");
    must(be16(packet, 4) === packet.length - 40, `IPv6 payload length ${be16(packet, 4)} of ${packet.length - 40}`);
    must(packet[7] > 0, "IPv6 hop limit 0");
    must(packet[8] !== 0xff && packet.subarray(8, 24).some((byte) => byte !== 0), "IPv6 source");
    must(packet.subarray(24, 40).some((byte) => byte !== 0), "IPv6 destination");
    const pseudo = packet.subarray(8, 40);
    let next = packet[6], body = packet.subarray(40);
    must(packet[24] !== 0xff || next === ICMP6, "something else than NDP to an IPv6 multicast address");
    if (next !== FRAGMENT) {
      return this.whole(next, pseudo, body, at + 40, offload, 40, packet.length, packet[7]);
    }
    must(body.length > 8, "an IPv6 fragment without payload");
    next = body[0];
    const offset = be16(body, 2) & 0xfff8, more = (body[3] & 1) !== 0;
    must(body[1] === 0 && (body[3] & 6) === 0, "reserved bits of an IPv6 fragment");
    this.size(packet.length, 0, { ...offload, segmentSize: 0 });
    const key = `6 ${hex(pseudo)} ${hex(body.subarray(4, 8))}`;
    body = body.subarray(8);
    this.fragment(key, next, pseudo, body, offset, more);
  }

  /** Fragments are sent in order, the first one first. */
  private fragment(
    key: string,
    protocol: number,
    pseudo: Uint8Array,
    body: Uint8Array,
    offset: number,
    more: boolean,
  ): void {
    must(!more || body.length % 8 === 0 && body.length > 0, `a fragment of ${body.length} bytes that is not the last`);
    if (offset === 0) {
      must(more, "a first fragment that is the last as well");
      this.unfinished = { key, protocol, pseudo: pseudo.slice(), pieces: [], length: 0 };
    }
    const { unfinished } = this;
    // the device may have lost the earlier ones
    if (unfinished === null || unfinished.key !== key || unfinished.length !== offset) {
      return this.count("stray fragment");
    }
    unfinished.pieces.push(body.slice());
    unfinished.length += body.length;
    this.count("fragment");
    if (more) return;
    this.unfinished = null;
    const whole = new Uint8Array(unfinished.length);
    let at = 0;
    for (const piece of unfinished.pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    const none = { checksumStart: -1, checksumOffset: 0, segmentSize: 0 };
    this.transport(unfinished.protocol, unfinished.pseudo, whole, 0, none, 64);
  }

  private whole(
    protocol: number,
    pseudo: Uint8Array,
    body: Uint8Array,
    at: number,
    offload: Offload,
    ipHeader: number,
    length: number,
    hops: number,
  ): void {
    if (offload.segmentSize > 0) must(protocol === TCP && body.length >= 20, "segmentation of something else than TCP");
    this.size(length, ipHeader + (protocol === TCP ? (body[12] >> 4) * 4 : 0), offload);
    this.transport(protocol, pseudo, body, at, offload, hops);
  }

  private transport(
    protocol: number,
    pseudo: Uint8Array,
    body: Uint8Array,
    at: number,
    offload: Offload,
    hops: number,
  ): void {
    const four = pseudo.length === 8;
    const field = protocol === TCP ? 16 : protocol === UDP ? 6 : 2;
    const least = protocol === TCP ? 20 : 8;
    must([TCP, UDP, four ? ICMP4 : ICMP6].includes(protocol), `protocol ${protocol}`);
    must(body.length >= least, `protocol ${protocol} in ${body.length} bytes`);
    const tail = Uint8Array.of(0, 0, body.length >> 8, body.length & 255, 0, protocol);
    const before: readonly Uint8Array[] = protocol === ICMP4 ? [] : [pseudo, tail];
    if (offload.checksumStart >= 0) {
      must(offload.checksumStart === at && offload.checksumOffset === field, "the device's checksum is elsewhere");
      must(be16(body, field) === sum(...before), "the pseudo-header's sum for the device");
    } else {
      const absent = protocol === UDP && four && be16(body, field) === 0;
      must(protocol !== UDP || four || be16(body, field) !== 0, "UDP over IPv6 without a checksum");
      must(absent || sum(...before, body) === 0xffff, `checksum of protocol ${protocol}`);
    }
    if (protocol === TCP) this.tcp(body, offload);
    else if (protocol === UDP) this.udp(body);
    else if (four) this.icmp4(body);
    else this.icmp6(body, hops);
  }

  private tcp(segment: Uint8Array, offload: Offload): void {
    const header = (segment[12] >> 4) * 4, flags = segment[13];
    const { SYN, FIN, RST, ACK } = TCP_FLAGS;
    must(header >= 20 && header <= segment.length, "TCP data offset");
    must((segment[12] & 15) === 0 && be16(segment, 18) === 0, "reserved bits or urgent pointer of TCP");
    must((flags & SYN) === 0 || (flags & (FIN | RST)) === 0, `TCP flags ${flags}`);
    must(
      (flags & RST) === 0 || (flags & FIN) === 0 && segment.length === header,
      `TCP flags ${flags}, or data on a reset`,
    );
    must((flags & (SYN | RST | ACK)) !== 0, "a TCP segment without SYN, RST or ACK");
    must((flags & SYN) === 0 || segment.length === header, "data on SYN");
    must(offload.segmentSize === 0 || segment.length - header > offload.segmentSize, "one segment to be segmented");
    for (let at = 20; at < header;) {
      const kind = segment[at];
      if (kind === 0) break;
      const length = kind === 1 ? 1 : segment[at + 1];
      must(at + length <= header, "a TCP option beyond the header");
      if (kind === 2) must(length === 4 && (flags & SYN) !== 0 && be16(segment, at + 2) > 0, "TCP option MSS");
      else if (kind === 3) must(length === 3 && (flags & SYN) !== 0 && segment[at + 2] <= 14, "TCP option WS");
      else if (kind === 4) must(length === 2 && (flags & SYN) !== 0, "TCP option SACK permitted");
      else if (kind === 8) must(length === 10, "TCP option timestamps");
      else if (kind === 5) this.sack(segment, at, length);
      else must(kind === 1, `TCP option ${kind}`);
      at += length;
    }
    this.count(flags & RST ? "reset" : flags & SYN ? "syn" : segment.length > header ? "tcp data" : "tcp");
  }

  /** RFC 2018, section 3: each block lies above what is acknowledged, and is not empty. */
  private sack(segment: Uint8Array, at: number, length: number): void {
    must(length >= 10 && length <= 34 && length % 8 === 2, "length of SACK");
    const view = new DataView(segment.buffer, segment.byteOffset);
    const acknowledgment = view.getUint32(8);
    for (let block = at + 2; block < at + length; block += 8) {
      const left = view.getUint32(block) - acknowledgment | 0, right = view.getUint32(block + 4) - acknowledgment | 0;
      must(left > 0 && right > left, `SACK block ${left}..${right} from the acknowledgment`);
    }
    this.count("sack");
  }

  private udp(datagram: Uint8Array): void {
    must(be16(datagram, 4) === datagram.length, `UDP length ${be16(datagram, 4)} of ${datagram.length}`);
    this.count("udp");
  }

  private icmp4(message: Uint8Array): void {
    const type = message[0];
    must(ICMP4_TYPES.includes(type), `ICMP type ${type}`);
    if (type !== 0) {
      must(message.length + 20 <= 576 && message.length >= 8 + 20, `an ICMP error of ${message.length} bytes`);
      const quoted = message.subarray(8);
      must(quoted[0] >> 4 === 4, "the quotation of an ICMP error");
      const error = quoted[9] === ICMP4 && [3, 4, 5, 11, 12].includes(quoted[(quoted[0] & 15) * 4]);
      must(!error && (be16(quoted, 6) & 0x1fff) === 0, "an ICMP error about an error, or about a later fragment");
      must(
        isHost(quoted.subarray(12, 16)) && isHost(quoted.subarray(16, 20)),
        "an ICMP error about a multicast or broadcast",
      );
    }
    this.count(type === 0 ? "echo reply" : "icmp error");
  }

  private icmp6(message: Uint8Array, hops: number): void {
    const type = message[0];
    must(ICMP6_TYPES.includes(type), `ICMPv6 type ${type}`);
    if (type >= 133) {
      must(hops === 255, "NDP with another hop limit than 255");
      const options = type === 134 ? 16 : 24;
      must(message.length >= options, `NDP of ${message.length} bytes`);
      for (let at = options; at < message.length; at += message[at + 1] * 8) {
        must(message[at + 1] > 0 && at + message[at + 1] * 8 <= message.length, "length of an NDP option");
      }
    } else if (type < 128) {
      must(message.length + 40 <= 1280, `an ICMPv6 error of ${message.length} bytes`);
      must(message[8] >> 4 === 6, "the quotation of an ICMPv6 error");
    }
    this.count(type >= 133 ? "ndp" : type === 129 ? "echo reply 6" : "icmp error 6");
  }
}
