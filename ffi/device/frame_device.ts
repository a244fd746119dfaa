/**
 * The interface of all devices: frames in and out, a descriptor to watch, a name and counters.
 *
 * @module
 */
import type { Device } from "../../stack/base/device.ts";
import type { FrameSource } from "./frame_reader.ts";

/** Bytes of an Ethernet header without a VLAN tag. */
export const ETHERNET_HEADER_SIZE = 14;

/** Counters of the frames that passed through a device, and of dropped ones. Bytes exclude the device's own header. */
export interface DeviceCounters {
  /** Frames from the guest. */
  framesIn: number;
  bytesIn: number;
  /** Frames that could not be read. */
  dropsIn: number;
  /** Frames to the guest. */
  framesOut: number;
  bytesOut: number;
  /** Frames that the kernel did not accept. */
  dropsOut: number;
}

/** Counters that are all 0. */
export function newCounters(): DeviceCounters {
  return { framesIn: 0, bytesIn: 0, dropsIn: 0, framesOut: 0, bytesOut: 0, dropsOut: 0 };
}

/** A device that the stack sends frames to and a FrameReader reads frames from. */
export interface FrameDevice extends Device, FrameSource {
  /** The descriptor, to wait for frames; -1 after {@linkcode close}. */
  readonly fd: number;
  /** The name for messages. */
  readonly name: string;
  readonly counters: DeviceCounters;
  /** Closes the device. Frames are neither read nor sent afterwards. */
  close(): void;
}

/** The peer of a socket that carries frames has closed it, so there will be no more frames. */
export class PeerClosedError extends Error {
  override name = "PeerClosedError";

  /** @param device the device's name */
  constructor(device: string) {
    super(`the other side of ${device} has closed it`);
  }
}
