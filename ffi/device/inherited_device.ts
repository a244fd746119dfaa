/**
 * A device over an inherited descriptor: a Unix socket, or a tun or tap device that is attached already.
 *
 * @module
 */
import type { FrameDevice } from "./frame_device.ts";
import { takeTun } from "./open_tun.ts";
import { openSocketDevice, type SocketDeviceOptions } from "./socket_device.ts";
import { TunDevice } from "./tun_device.ts";

/** Options of {@linkcode openInheritedDevice}. */
export interface InheritedDeviceOptions extends SocketDeviceOptions {
  /** Whether the guest's kernel may leave segmentation and checksums to the program, if the device supports it. */
  readonly offload: boolean;
}

/**
 * Takes over the inherited descriptor `fd`. Its kind is detected.
 *
 * @throws SystemError if it isn't open, was not inherited, or is of an unsupported kind
 */
export function openInheritedDevice(fd: number, options: InheritedDeviceOptions): FrameDevice {
  const tun = takeTun(fd, options);
  return tun === null ? openSocketDevice(fd, options) : new TunDevice(tun);
}
