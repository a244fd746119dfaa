/**
 * A stack with a simulated device and clock, and packets to feed it with.
 *
 * @module
 */
import type { StackAddresses } from "../../stack/link/addresses.ts";
import { type GuestConfiguration, NO_CONFIGURATION } from "../../stack/base/guest_configuration.ts";
import {
  allocatePlain,
  type Device,
  type Frame,
  FramePool,
  IP_HEADER_AT,
  type Transmit,
} from "../../stack/base/device.ts";
import { Stack, type StackLimits, type StackOptions } from "../../stack/stack.ts";
import type { TcpRequest } from "../../stack/tcp/flow.ts";
import type { UdpDatagram } from "../../stack/udp/datagram.ts";
import { concat as joined } from "../bytes.ts";

/** Bytes written as hex; white space, and comments from `#` to the end of the line, don't count. */
export function hex(text: string): Uint8Array {
  const digits = text.replace(/#.*$/gm, "").replace(/\s+/g, "");
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) throw new SyntaxError(`not hex: ${digits}`);
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

/** The bytes as hex, for comparisons that a person can read. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Bytes one after the other. */
export function concat(...pieces: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return joined(pieces.map((piece) => Uint8Array.from(piece)));
}

/** The guest's hardware address, as the packets in the tests have it, and the program's. */
export const GUEST_MAC = "020000000100";
export const OUR_MAC = "7071aa4b29aa";

/** An Ethernet header from the guest to us. */
export function ethernet(type: 0x0800 | 0x0806 | 0x86dd, to = OUR_MAC): Uint8Array {
  return hex(to + GUEST_MAC + type.toString(16).padStart(4, "0"));
}

/** The Internet checksum of bytes, the slow and plain way of RFC 1071. */
export function referenceChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += bytes[i] * 256 + (i + 1 < bytes.length ? bytes[i + 1] : 0);
    if (sum > 0xffff) sum = (sum & 0xffff) + 1;
  }
  return 0xffff - sum;
}

/** A copy with the 16-bit number at `offset` replaced. */
export function with16(bytes: Uint8Array, offset: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[offset] = value >> 8;
  copy[offset + 1] = value & 0xff;
  return copy;
}

/** A 16-bit number as two bytes. */
export function be16(value: number): number[] {
  return [value >> 8, value & 0xff];
}

/** Fields of an IPv4 packet of the tests; the addresses are those of the guest and of 198.51.100.7 unless given. */
export interface Ipv4Fields {
  readonly protocol: number;
  readonly source?: readonly number[];
  readonly destination?: readonly number[];
  readonly identification?: number;
  /** Flags and fragment offset in units of 8 bytes. */
  readonly fragment?: number;
  readonly options?: readonly number[];
}

/** An IPv4 packet with a right header checksum. */
export function ipv4(fields: Ipv4Fields, payload: Uint8Array | readonly number[]): Uint8Array {
  const { protocol, source = [10, 0, 2, 100], destination = [198, 51, 100, 7], options = [] } = fields;
  const { identification = 0x1234, fragment = 0 } = fields;
  const length = 20 + options.length;
  const header = concat(
    [0x40 | length / 4, 0, ...be16(length + payload.length), ...be16(identification), ...be16(fragment)],
    [64, protocol, 0, 0, ...source, ...destination, ...options],
  );
  return concat(with16(header, 10, referenceChecksum(header)), payload);
}

/** The addresses of most IPv6 packets of the tests. */
export const GUEST6 = "fd000000000000000000000000000100";
export const REMOTE6 = "20010db8000000000000000000000007";

/** An IPv6 packet. `payload` starts with the header that `next` names. */
export function ipv6(next: number, payload: Uint8Array, source = GUEST6, destination = REMOTE6, hops = 64): Uint8Array {
  return concat([0x60, 0, 0, 0, ...be16(payload.length), next, hops], hex(source), hex(destination), payload);
}

/** A copy of a transport header and payload with the right checksum at `field`, for addresses as hex. */
export function checksummed(
  bytes: Uint8Array,
  field: number,
  protocol: number,
  source: string,
  destination: string,
): Uint8Array {
  const pseudo = concat(hex(source), hex(destination), [0, 0, ...be16(bytes.length), 0, protocol]);
  return with16(bytes, field, referenceChecksum(concat(pseudo, with16(bytes, field, 0))));
}

/** A UDP datagram without checksum. */
export function udp(source: number, destination: number, payload: Uint8Array | readonly number[]): Uint8Array {
  return concat(be16(source), be16(destination), be16(8 + payload.length), [0, 0], payload);
}

/** A frame that was sent: its bytes, and what the device was to do with it. */
export interface Sent {
  readonly bytes: Uint8Array;
  readonly checksumStart: number;
  readonly checksumOffset: number;
  readonly segmentation: number;
  readonly segmentSize: number;
}

/** A datagram that was handed up, copied. */
export interface ReceivedDatagram {
  readonly from: string;
  readonly to: string;
  readonly data: Uint8Array;
}

/** What may be chosen otherwise. */
export interface BedOptions {
  readonly medium?: "ethernet" | "ip";
  readonly mtu?: number;
  readonly offload?: boolean;
  /** Gathers datagrams until {@linkcode Bed.runDeferred}, for a device that cuts them apart. */
  readonly gather?: boolean;
  readonly echo?: StackOptions["echo"];
  readonly limits?: StackLimits;
  readonly configuration?: GuestConfiguration;
  readonly addresses?: Partial<StackAddresses>;
  /** Called for each datagram instead of keeping it. */
  readonly udp?: (datagram: UdpDatagram) => void;
  /** Called for each request instead of keeping it. */
  readonly tcpRequest?: (request: TcpRequest) => void;
}

/** See the module's text. */
export class Bed {
  now = 1000;
  readonly sent: Sent[] = [];
  readonly datagrams: ReceivedDatagram[] = [];
  readonly requests: TcpRequest[] = [];
  readonly unreachable: string[] = [];
  readonly frames: FramePool = new FramePool(allocatePlain);
  readonly stack: Stack;
  private readonly medium: "ethernet" | "ip";
  private readonly deferred: (() => void)[] = [];
  /** Whether the device takes frames. */
  working = true;

  constructor(options: BedOptions = {}) {
    const {
      medium = "ip",
      mtu = 1500,
      offload = false,
      echo = "local",
      limits = {},
      configuration = NO_CONFIGURATION,
      addresses = {},
    } = options;
    this.medium = medium;
    const device: Device = {
      ...{ medium, mtu, checksumOffload: offload, tcpSegmentation4: offload, tcpSegmentation6: offload },
      udpSegmentation: offload,
      transmit: (transmit) => this.take(transmit),
    };
    let random = 0x5eed;
    this.stack = new Stack({
      ...{ device, frames: this.frames, allocate: allocatePlain, echo, limits, configuration, addresses },
      defer: options.gather === true ? (run) => this.deferred.push(run) : undefined,
      clock: () => this.now,
      random: () => random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0,
      handlers: {
        tcpRequest: options.tcpRequest ?? ((request) => this.requests.push(request)),
        udp: options.udp ?? ((datagram) => this.keep(datagram)),
        udpUnreachable: (local, guest) => {
          this.unreachable.push(`${local.address} ${local.port} > ${guest.address} ${guest.port}`);
        },
      },
    });
  }

  /** Feeds a frame in a turn of its own, and gives its buffer back unless it was held. */
  feed(bytes: Uint8Array, change: Partial<Pick<Frame, "checksumTrusted" | "segmentSize">> = {}): void {
    const start = this.medium === "ethernet" ? IP_HEADER_AT - 14 : IP_HEADER_AT;
    const frame = this.frames.take();
    frame.bytes.set(bytes, start);
    frame.start = start;
    frame.end = start + bytes.length;
    frame.checksumTrusted = change.checksumTrusted ?? false;
    frame.segmentSize = change.segmentSize ?? 0;
    this.stack.receive(frame);
    this.stack.flush();
    if (!frame.held) this.frames.release(frame);
  }

  /** The events that there are have been handled. */
  runDeferred(): void {
    for (const run of this.deferred.splice(0)) run();
  }

  /** Takes what was sent since the last time, as hex. */
  takeSent(): string[] {
    return this.sent.splice(0).map(({ bytes }) => toHex(bytes));
  }

  /** Takes the one frame that was sent since the last time. */
  takeOne(): Uint8Array {
    const all = this.sent.splice(0);
    if (all.length !== 1) throw new Error(`${all.length} frames were sent: ${all.map(({ bytes }) => toHex(bytes))}`);
    return all[0].bytes;
  }

  /** Lets time pass, running timers when they are due. */
  pass(ms: number): void {
    const end = this.now + ms;
    while (this.stack.nextDeadline <= end) {
      this.now = Math.max(this.now, this.stack.nextDeadline);
      this.stack.advance();
      this.stack.flush();
    }
    this.now = end;
  }

  private take(transmit: Transmit): boolean {
    if (!this.working) return false;
    const { checksumStart, checksumOffset, segmentation, segmentSize, headStart } = transmit;
    this.sent.push({
      bytes: transmit.flatten(),
      checksumStart: checksumStart < 0 ? -1 : checksumStart - headStart,
      ...{ checksumOffset, segmentation, segmentSize },
    });
    return true;
  }

  private keep(datagram: UdpDatagram): void {
    const { bytes, payload, length } = datagram;
    const guest = datagram.guest(), local = datagram.local();
    this.datagrams.push({
      from: `${guest.address} ${guest.port}`,
      to: `${local.address} ${local.port}`,
      data: bytes.slice(payload, payload + length),
    });
  }
}
