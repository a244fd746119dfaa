/**
 * Hostile frames: real packets of all protocols, mutated, cut, extended and spliced; fragments at random offsets;
 * segments with the sequence numbers of open connections. Most mutants would end at the first checksum, so in most of
 * them checksums are corrected or declared trusted.
 *
 * @module
 */
import { type Frame, IP_HEADER_AT, type Transmit } from "../../stack/base/device.ts";
import { get16, get32, put16, put32 } from "../../stack/base/bytes.ts";
import { complement, partialSum } from "../../stack/wire/checksum.ts";
import { RST, TCP_PROTOCOL } from "../../stack/wire/tcp.ts";
import { checksummed, concat, GUEST6, GUEST_MAC, hex, ipv4, ipv6, OUR_MAC, REMOTE6, udp } from "../lab/packets.ts";

/** Marsaglia's xorshift32, so that a failure can be repeated. */
export class Random {
  constructor(private state: number) {}

  /** An unsigned 32-bit number. */
  next(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return this.state >>> 0;
  }

  /** A number from 0 to `limit - 1`. */
  below(limit: number): number {
    return this.next() % limit;
  }

  /** One of the choices. */
  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)];
  }
}

const tcp = (text: string) => checksummed(hex(text), 16, 6, "0a000264", "c6336407");
const icmp6 = (text: string, destination = REMOTE6) => checksummed(hex(text), 2, 58, GUEST6, destination);
const SOLICITED = "ff0200000000000000000001ff000002";
const OURS = ipv4({ protocol: 6, source: [198, 51, 100, 7], destination: [10, 0, 2, 100] }, hex("0050 1388 00000001"));

const SERVERS6 = "ff020000000000000000000000010002";

function dhcpv4(options: string): Uint8Array {
  const body = hex(`01010600 3903f326 ${"00".repeat(20)} ${GUEST_MAC} ${"00".repeat(202)} 63825363 ${options}`);
  return ipv4({ protocol: 17, source: [0, 0, 0, 0], destination: [255, 255, 255, 255] }, udp(68, 67, body));
}

function dhcpv6(text: string): Uint8Array {
  return ipv6(17, checksummed(udp(546, 547, hex(text)), 6, 17, GUEST6, SERVERS6), GUEST6, SERVERS6, 1);
}

/** Correct IP packets of every kind that the stack knows. */
export const PACKETS: readonly Uint8Array[] = [
  ipv4(
    { protocol: 6 },
    tcp("1388 0050 00000001 00000000 a002 faf0 0000 0000 020405b4 0402 080a 00000001 00000000 01 030307"),
  ),
  ipv4({ protocol: 6 }, tcp("1389 0050 00000001 00000000 5002 ffff 0000 0000")),
  ipv4({ protocol: 6 }, tcp("1388 0050 00000002 00000002 5010 ffff 0000 0000")),
  ipv4({ protocol: 6 }, tcp("1388 0050 00000002 00000002 5018 ffff 0000 0000 48656c6c6f")),
  ipv4({ protocol: 6 }, tcp("1388 0050 00000002 00000002 5011 ffff 0000 0000")),
  ipv4({ protocol: 6 }, tcp("1388 0050 00000002 00000002 5014 ffff 0000 0000")),
  ipv6(6, checksummed(hex("1388 0050 00000001 00000000 6002 faf0 0000 0000 020405a0"), 16, 6, GUEST6, REMOTE6)),
  ipv4({ protocol: 17 }, udp(5000, 53, new Uint8Array(100))),
  ipv4({ protocol: 17, destination: [255, 255, 255, 255] }, udp(68, 67, new Uint8Array(30))),
  ipv4({ protocol: 17, options: [0x94, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0, 0] }, udp(5000, 53, new Uint8Array(1400))),
  ipv6(17, checksummed(udp(5000, 53, new Uint8Array(100)), 6, 17, GUEST6, REMOTE6)),
  dhcpv4("350101 3c03 616263 3d07 01020000000100 37020103 ff"),
  dhcpv4("350103 3204 0a000264 3604 0a000202 ff"),
  dhcpv4("350103 3204 c0a80101 ff 0000"),
  dhcpv6("0b 10ab2f 0001 000a 00030001020000000100 0006 0004 00170018 0008 0002 0000"),
  dhcpv6("01 10ab2f 0001 000a 00030001020000000100 0003 000c 00000001 00000000 00000000"),
  ipv4({ protocol: 1 }, hex("0800 f7fd 0001 0001 00")),
  ipv4({ protocol: 1 }, concat(hex("0303 0000 00000000"), OURS)),
  ipv4({ protocol: 1 }, concat(hex("0304 0000 00000400"), OURS)),
  ipv4({ protocol: 1 }, concat(hex("0303 0000 00000000"), ipv4({ protocol: 17 }, udp(53, 5000, [])))),
  ipv4({ protocol: 2, destination: [224, 0, 0, 22] }, hex("2200 f9fd 0000 0001 0400 0000 e00000fb")),
  ipv4({ protocol: 132 }, new Uint8Array(16)),
  ipv6(58, icmp6("8000 0000 0001 0001 0102030405060708")),
  ipv6(58, icmp6("0200 0000 00000500 60000000 0008 06 40" + REMOTE6 + GUEST6 + "0050138800000001")),
  ipv6(
    58,
    icmp6(`8700 0000 00000000 fd000000000000000000000000000002 0101 ${GUEST_MAC}`, SOLICITED),
    GUEST6,
    SOLICITED,
    255,
  ),
  ipv6(58, icmp6(`8800 0000 60000000 ${GUEST6} 0201 ${GUEST_MAC}`), GUEST6, REMOTE6, 255),
  ipv6(58, icmp6(`8500 0000 00000000 0101 ${GUEST_MAC}`), GUEST6, REMOTE6, 255),
  ipv6(
    0,
    concat(
      hex("3c00 0502 0000 0100  2b00 0104 00000000  2c02 0000 00000000 00000000000000000000000000000000"),
      hex("1100 0000 00000001"),
      udp(5000, 53, [1, 2, 3]),
    ),
  ),
  ipv6(60, concat(hex("3a00 8004 00000000"), icmp6("8000 0000 0001 0001"))),
  ipv6(99, new Uint8Array(20)),
];

const ARPS: readonly Uint8Array[] = [
  hex(`0001 0800 06 04 0001 ${GUEST_MAC} 0a000264 000000000000 0a000202`),
  hex(`0001 0800 06 04 0001 ${GUEST_MAC} 00000000 000000000000 0a000264`),
  hex(`0001 0800 06 04 0002 ${GUEST_MAC} 0a000264 ${OUR_MAC} 0a000202`),
];

/** Numbers that find off-by-one errors. */
const EDGES = [
  0,
  1,
  2,
  3,
  4,
  5,
  7,
  8,
  19,
  20,
  21,
  39,
  40,
  41,
  59,
  60,
  61,
  0x7f,
  0x80,
  0xff,
  0x7fff,
  0x8000,
  0xfffe,
  0xffff,
];

/** Makes hostile frames. */
export class Generator {
  /** The headers of segments that the stack sent lately, for segments that fit their connections. */
  private readonly heard: Uint8Array[] = [];
  private identifications = 0;

  /**
   * @param linkHeader the length of the medium's header, 14 for Ethernet
   * @param packets correct IP packets, of which mutants are made
   */
  constructor(
    private readonly random: Random,
    private readonly linkHeader: number,
    private readonly packets: readonly Uint8Array[] = PACKETS,
  ) {}

  /** Remembers the headers of a TCP segment from the stack, unless it is a reset. */
  hear(transmit: Transmit): void {
    const { bytes } = transmit.head;
    const ip = transmit.headStart + this.linkHeader;
    const four = bytes[ip] >> 4 === 4;
    if (bytes[ip + (four ? 9 : 6)] !== TCP_PROTOCOL || bytes[ip + (four ? 20 : 40) + 13] & RST) return;
    this.heard[this.random.below(8)] = bytes.slice(ip, transmit.headEnd);
  }

  /** Fills the frame. */
  write(frame: Frame): void {
    const { random } = this;
    const { bytes } = frame;
    const ip = IP_HEADER_AT;
    frame.start = ip - this.linkHeader;
    frame.checksumTrusted = random.below(4) > 0;
    frame.segmentSize = random.below(16) === 0 ? random.of(EDGES) : 0;
    const kind = random.below(16);
    let type = 0x0800;
    let length: number;
    if (kind === 0) {
      length = this.noise(bytes, ip);
      type = random.of([0x0800, 0x86dd, 0x0806, random.below(0x10000)]);
    } else if (kind === 1 && this.linkHeader > 0) {
      length = this.copy(bytes, ip, random.of(ARPS));
      type = 0x0806;
    } else {
      if (kind < 5) length = this.fragment(bytes, ip);
      else if (kind < 10 && this.heard.length > 0) length = this.answer(bytes, ip);
      else length = this.copy(bytes, ip, random.of(this.packets));
      type = bytes[ip] >> 4 === 4 ? 0x0800 : 0x86dd;
    }
    if (random.below(8) > 0) length = this.mutate(bytes, ip, length);
    if (type === 0x0800 && random.below(8) > 0) repair(bytes, ip, length);
    frame.end = ip + length;
    if (this.linkHeader > 0) this.putLink(bytes, frame, type);
  }

  private putLink(bytes: Uint8Array, frame: Frame, type: number): void {
    const { random } = this;
    bytes.set(TO_US, frame.start);
    put16(bytes, frame.start + 12, type);
    if (random.below(16) === 0) bytes[frame.start + random.below(14)] ^= 1 << random.below(8);
    if (random.below(64) === 0) bytes.fill(0xff, frame.start, frame.start + 6);
    if (random.below(64) === 0) frame.end = frame.start + random.below(14);
  }

  private copy(bytes: Uint8Array, ip: number, packet: Uint8Array): number {
    bytes.set(packet, ip);
    return packet.length;
  }

  private noise(bytes: Uint8Array, ip: number): number {
    const { random } = this;
    const length = random.below(200);
    for (let i = 0; i < length; i++) bytes[ip + i] = random.next();
    if (length > 0 && random.below(2) === 0) bytes[ip] = random.of([0x45, 0x46, 0x4f, 0x60]);
    return length;
  }

  /** A fragment of one of a few datagrams, with boundaries that often meet. */
  private fragment(bytes: Uint8Array, ip: number): number {
    const { random } = this;
    const regular = random.below(4) > 0; // 192 bytes in three pieces
    const start = regular ? random.of([0, 64, 128]) : 8 * random.below(8192);
    const size = regular ? 64 : random.of([8, 64, 1480, random.below(1500)]);
    const more = regular ? start < 128 : random.below(3) > 0;
    const four = random.below(2) === 0;
    const { length } = four ? FRAGMENT4 : FRAGMENT6;
    bytes.set(four ? FRAGMENT4 : FRAGMENT6, ip);
    if (four) {
      put16(bytes, ip + 2, length + size);
      put16(bytes, ip + 4, this.identification());
      put16(bytes, ip + 6, (more ? 0x2000 : 0) | start >> 3);
    } else {
      put16(bytes, ip + 4, 8 + size);
      bytes[ip + 40] = random.of([17, 6, 58, 60, 44]);
      put16(bytes, ip + 42, start | (more ? 1 : 0));
      put32(bytes, ip + 44, this.identification());
    }
    return length + size;
  }

  /** One of a few identifications that change with time, so that some datagrams complete and new ones begin. */
  private identification(): number {
    if (this.random.below(16) === 0) this.identifications++;
    return this.identifications + this.random.below(this.random.of([2, 2, 200]));
  }

  /** A segment that answers one of the stack's, more or less. */
  private answer(bytes: Uint8Array, ip: number): number {
    const { random } = this;
    const heard = random.of(this.heard) ?? NOTHING_HEARD;
    const four = heard[0] >> 4 === 4;
    const header = four ? 20 : 40;
    const at = ip + header;
    const size = random.of([0, 0, 1, 100, 1400]);
    bytes.set(heard.subarray(0, header), ip);
    if (four) bytes[ip] = 0x45;
    const options = this.answerOptions(bytes, at + 20, heard, header);
    const [source, destination, width] = four ? [12, 16, 4] : [8, 24, 16];
    bytes.set(heard.subarray(source, source + width), ip + destination);
    bytes.set(heard.subarray(destination, destination + width), ip + source);
    put16(bytes, at, get16(heard, header + 2));
    put16(bytes, at + 2, get16(heard, header));
    const near = () => random.below(4) === 0 ? random.below(3000) - 1500 : 0;
    put32(bytes, at + 4, get32(heard, header + 8) + near());
    put32(bytes, at + 8, get32(heard, header + 4) + random.of([0, 1, 1, 5]) + near());
    bytes[at + 12] = (20 + options) << 2;
    bytes[at + 13] = random.of([0x10, 0x10, 0x10, 0x18, 0x18, 0x11, 0x12, 0x02, 0x14, random.below(256)]);
    put16(bytes, at + 14, random.of([0, 1, 1000, 0xffff]));
    put32(bytes, at + 16, 0);
    put16(bytes, ip + (four ? 2 : 4), (four ? 20 : 0) + 20 + options + size);
    return header + 20 + options + size;
  }

  /** Writes timestamps that fit those of the stack, and plausible SACK blocks. Returns their length. */
  private answerOptions(bytes: Uint8Array, at: number, heard: Uint8Array, header: number): number {
    const { random } = this;
    const start = at;
    const theirs = timestampsIn(heard, header + 20);
    if (theirs >= 0 && random.below(8) > 0) {
      put32(bytes, at, 0x0101080a);
      put32(bytes, at + 4, get32(heard, theirs + 4) + random.of([0, 0, 1, 5, -1]));
      put32(bytes, at + 8, get32(heard, theirs) + random.of([0, 0, 0, -1, 1000]));
      at += 12;
    }
    if (random.below(4) > 0) return at - start;
    const blocks = 1 + random.below(theirs >= 0 ? 3 : 4);
    put32(bytes, at, 0x01010502 + 8 * blocks);
    at += 4;
    for (let i = 0; i < blocks; i++, at += 8) {
      const left = get32(heard, header + 4) + random.of([0, 1, 100, 1400, 2800, random.below(100_000)]);
      put32(bytes, at, left);
      put32(bytes, at + 4, left + random.of([0, 1, 100, 1400, 10_000, -1]));
    }
    return at - start;
  }

  private mutate(bytes: Uint8Array, ip: number, length: number): number {
    const { random } = this;
    for (let count = random.below(4); count > 0; count--) {
      const at = ip + random.below(Math.min(Math.max(length, 1), random.of([8, 40, 80, 2000])));
      switch (random.below(8)) {
        case 0:
          bytes[at] = random.next();
          break;
        case 1:
          put16(bytes, at, random.of(EDGES));
          break;
        case 2:
          put16(bytes, at, length + random.below(3) - 1);
          break;
        case 3:
          length = random.below(length + 1);
          break;
        case 4:
          length += random.of([1, 7, 60, 2000]);
          break;
        case 5: { // the end of another packet
          const other = random.of(this.packets);
          const from = random.below(other.length);
          bytes.set(other.subarray(from), at);
          break;
        }
        default:
          bytes[at] ^= 1 << random.below(8);
      }
    }
    return length;
  }
}

/** The offset of the timestamps in a segment's options from `at` on; -1: there are none. */
function timestampsIn(heard: Uint8Array, at: number): number {
  while (at + 10 <= heard.length) {
    if (heard[at] === 8) return at + 2;
    if (heard[at] === 0) return -1;
    at += heard[at] === 1 ? 1 : Math.max(2, heard[at + 1]);
  }
  return -1;
}

const NOTHING_HEARD = ipv4({ protocol: 6 }, new Uint8Array(20));
const TO_US = hex(OUR_MAC + GUEST_MAC);
const FRAGMENT4 = ipv4({ protocol: 17 }, []);
const FRAGMENT6 = ipv6(44, new Uint8Array(8));

/** Corrects an IPv4 header's checksum and, half the time, its length. */
function repair(bytes: Uint8Array, ip: number, length: number): void {
  if (length & 1) put16(bytes, ip + 2, length);
  put16(bytes, ip + 10, 0);
  put16(bytes, ip + 10, complement(partialSum(bytes, ip, 4 * (bytes[ip] & 15))));
}
