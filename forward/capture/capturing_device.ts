/**
 * Captures frames in two places: around the device on their way to the guest, and before the stack on their way from it.
 * Without `-pcap` neither is in place, so it costs nothing.
 *
 * @module
 */
import type { Device, Frame, Transmit } from "../../stack/base/device.ts";
import type { Capture } from "./capture.ts";

/** A device whose sent frames are captured. */
export class CapturingDevice implements Device {
  readonly medium: Device["medium"];
  readonly mtu: number;
  readonly checksumOffload: boolean;
  readonly tcpSegmentation4: boolean;
  readonly tcpSegmentation6: boolean;
  readonly udpSegmentation: boolean;

  /** The caller still owns the device. */
  constructor(private readonly device: Device, private readonly capture: Capture) {
    this.medium = device.medium;
    this.mtu = device.mtu;
    this.checksumOffload = device.checksumOffload;
    this.tcpSegmentation4 = device.tcpSegmentation4;
    this.tcpSegmentation6 = device.tcpSegmentation6;
    this.udpSegmentation = device.udpSegmentation;
  }

  /**
   * Sends a frame. While few packets pass, the frame and all before it are written to the file first: a script that reads
   * the file after a command in the guest has returned finds the packets that the command received. While many pass, they
   * are written together later, and a frame that the device drops is not captured.
   */
  transmit(frame: Transmit): boolean {
    const { device, capture } = this;
    if (capture.few) {
      capture.sent(frame);
      capture.write();
      return device.transmit(frame);
    }
    const taken = device.transmit(frame);
    if (taken) capture.sent(frame);
    return taken;
  }
}

/** A part of the program that takes frames from the device's reader. */
export interface FrameTaker {
  receive(frame: Frame): void;
  endOfTurn(): void;
}

/** Wraps a taker so that its frames are captured first. */
export function captureFrames(taker: FrameTaker, capture: Capture): FrameTaker {
  return {
    receive: (frame) => {
      capture.received(frame);
      taker.receive(frame);
    },
    endOfTurn: () => taker.endOfTurn(),
  };
}
