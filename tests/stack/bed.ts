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
import { toHex } from "../../scripts/lab/packets.ts";
import type { UdpDatagram } from "../../stack/udp/datagram.ts";

/** A frame that was sent: its bytes, and the offloads asked of the device. */
export interface Sent {
  readonly bytes: Uint8Array;
  readonly checksumStart: number;
  readonly checksumOffset: number;
  readonly segmentation: number;
  readonly segmentSize: number;
}

/** A copy of a datagram that was passed to the user. */
export interface ReceivedDatagram {
  readonly from: string;
  readonly to: string;
  readonly data: Uint8Array;
}

/** The settings of a bed. */
export interface BedOptions {
  readonly medium?: "ethernet" | "ip";
  readonly mtu?: number;
  readonly offload?: boolean;
  /** Collects datagrams until {@linkcode Bed.runDeferred}, for a device with segmentation offload. */
  readonly gather?: boolean;
  readonly echo?: StackOptions["echo"];
  readonly limits?: StackLimits;
  readonly configuration?: GuestConfiguration;
  readonly addresses?: Partial<StackAddresses>;
  readonly ipv6?: boolean;
  /** Called for each datagram instead of keeping it. */
  readonly udp?: (datagram: UdpDatagram) => void;
  /** Called for each request instead of keeping it. */
  readonly tcpRequest?: (request: TcpRequest) => void;
}

/** A stack with a simulated device and clock. */
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
  /** Whether the device accepts frames. */
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
      medium,
      mtu,
      checksumOffload: offload,
      tcpSegmentation4: offload,
      tcpSegmentation6: offload,
      udpSegmentation: offload,
      transmit: (transmit) => this.take(transmit),
    };
    let random = 0x5eed;
    this.stack = new Stack({
      device,
      frames: this.frames,
      allocate: allocatePlain,
      echo,
      limits,
      configuration,
      addresses,
      ipv6: options.ipv6,
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

  /** Feeds a frame in a turn of its own, and releases its buffer unless it was held. */
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

  /** Ends the turn: all pending events have been handled. */
  runDeferred(): void {
    for (const run of this.deferred.splice(0)) run();
  }

  /** Takes the frames sent since the last call, as hex. */
  takeSent(): string[] {
    return this.sent.splice(0).map(({ bytes }) => toHex(bytes));
  }

  /** Takes the only frame sent since the last call. */
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
      checksumOffset,
      segmentation,
      segmentSize,
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
