/**
 * The common part of the devices over Unix sockets. Frames are Ethernet frames without a header of the device, so
 * checksums are complete both ways and nothing is segmented.
 *
 * @module
 */
import { type Frame, IP_HEADER_AT, type Transmit } from "../../stack/base/device.ts";
import { type Libc, libc } from "../libc/libc.ts";
import { type DeviceCounters, ETHERNET_HEADER_SIZE, type FrameDevice, newCounters } from "./frame_device.ts";

/** The offset of a received frame in its block. */
export const FRAME_AT: number = IP_HEADER_AT - ETHERNET_HEADER_SIZE;

/** A device over a Unix socket. */
export abstract class FrameSocket implements FrameDevice {
  readonly medium = "ethernet";
  readonly checksumOffload = false;
  readonly tcpSegmentation4 = false;
  readonly tcpSegmentation6 = false;
  readonly udpSegmentation = false;
  readonly counters: DeviceCounters = newCounters();
  readonly name: string;
  protected readonly libc: Libc = libc();
  private closed = false;

  /** Takes over the descriptor. */
  constructor(protected readonly descriptor: number, readonly mtu: number) {
    this.name = `fd ${descriptor}`;
  }

  get fd(): number {
    return this.closed ? -1 : this.descriptor;
  }

  abstract read(frame: Frame): boolean;

  transmit(frame: Transmit): boolean {
    const length = frame.headEnd - frame.headStart + frame.payloadLength;
    if (!this.send(frame, length)) {
      this.counters.dropsOut++;
      return false;
    }
    this.counters.framesOut++;
    this.counters.bytesOut += length;
    return true;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.release();
    this.libc.close(this.descriptor);
  }

  /** Sends a frame of `length` bytes, or queues it. Returns false if it was dropped. */
  protected abstract send(frame: Transmit, length: number): boolean;

  /** Releases what belongs to the device besides the descriptor. */
  protected release(): void {}

  /** Completes a frame whose `length` bytes were received at FRAME_AT, and counts it. */
  protected received(frame: Frame, length: number): void {
    frame.start = FRAME_AT;
    frame.end = FRAME_AT + length;
    frame.checksumTrusted = false;
    frame.segmentSize = 0;
    this.counters.framesIn++;
    this.counters.bytesIn += length;
  }
}
