/**
 * The interface of all devices: frames in and out, a descriptor to wait with, a name and counters.
 *
 * @module
 */
import type { Device } from "../../stack/base/device.ts";
import type { FrameSource } from "./frame_reader.ts";

/** Bytes of an Ethernet header without a VLAN tag. */
export const ETHERNET_HEADER_SIZE = 14;

/** Frames that passed through a device, and frames that were dropped. */
export interface DeviceCounters {
  /** Frames and their bytes (without the device's own header) that came from the guest. */
  framesIn: number;
  bytesIn: number;
  /** Frames that the kernel could not hand over. */
  dropsIn: number;
  /** Frames and their bytes (without the device's own header) that went to the guest. */
  framesOut: number;
  bytesOut: number;
  /** Frames that the kernel did not take. */
  dropsOut: number;
}

/** Counters that have counted nothing. */
export function newCounters(): DeviceCounters {
  return { framesIn: 0, bytesIn: 0, dropsIn: 0, framesOut: 0, bytesOut: 0, dropsOut: 0 };
}

/** A device that frames are sent to by the stack and read from by a FrameReader. */
export interface FrameDevice extends Device, FrameSource {
  /** The descriptor, to wait for frames with; -1 after {@linkcode close}. */
  readonly fd: number;
  /** For a person. */
  readonly name: string;
  readonly counters: DeviceCounters;
  /** Gives the device back. Frames are neither read nor sent any more. */
  close(): void;
}

/** The other side of a socket that carries frames has closed it: there will be no more. */
export class PeerClosedError extends Error {
  override name = "PeerClosedError";

  /** @param device the device's name */
  constructor(device: string) {
    super(`the other side of ${device} has closed it`);
  }
}
