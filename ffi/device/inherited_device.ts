/**
 * A device by an inherited descriptor: a Unix socket, or a tun or tap device that its maker has attached already.
 *
 * @module
 */
import type { FrameDevice } from "./frame_device.ts";
import { takeTun } from "./open_tun.ts";
import { openSocketDevice, type SocketDeviceOptions } from "./socket_device.ts";
import { TunDevice } from "./tun_device.ts";

/** Options of {@linkcode openInheritedDevice}. */
export interface InheritedDeviceOptions extends SocketDeviceOptions {
  /** Whether the guest's kernel may leave segmentation and checksums to us, if the device is attached like that. */
  readonly offload: boolean;
}

/**
 * Takes over the inherited descriptor `fd`. Its kind is detected.
 *
 * @throws SystemError when it isn't open, was not inherited, or is of a kind that can't be used
 */
export function openInheritedDevice(fd: number, options: InheritedDeviceOptions): FrameDevice {
  const tun = takeTun(fd, options);
  return tun === null ? openSocketDevice(fd, options) : new TunDevice(tun);
}
