/**
 * The device of an existing guest.
 *
 * @module
 */
import type { FrameDevice } from "../device/frame_device.ts";
import { openGuestDevice } from "../guest/guest_device.ts";
import type { Polling } from "../poll/poller.ts";
import { guestNetwork } from "../../forward/addresses/guest_configuration.ts";
import { RUN_MTU } from "../../forward/cli/flags/guest_flags.ts";
import type { Options } from "../../forward/cli/flags/options.ts";
import * as lines from "../../forward/report/contract_lines.ts";
import type { Output } from "../../forward/report/output.ts";
import { attemptLater, StartFailed } from "../../forward/report/start_failed.ts";

const { ExitStatus } = lines;

/**
 * Opens the device of an existing guest, or waits for a guest to connect. Reports its progress on `progress`, unless
 * that is null. Rejects with a {@linkcode StartFailed}.
 */
export async function openDevice(options: Options, poller: Polling, progress: Output | null): Promise<FrameDevice> {
  const { netns, interface: name, fd, bess, mtu, offload, makeTap, configure, macAddress, addresses, manner } = options;
  const mac = macAddress === null ? null : [...macAddress];
  const network = configure
    ? { ...guestNetwork(mtu || RUN_MTU, addresses, manner.fixedIpv6, manner.fixedIpv4), mac }
    : null;
  if (fd !== null && netns !== null) throw new StartFailed(ExitStatus.FD_AND_NETNS, lines.fdAndNetns());
  if (fd === null && netns !== null) progress?.line(lines.joiningNetns(netns));
  if (bess !== null) progress?.line(lines.waitingForGuest(bess));
  else if (fd === null) progress?.line(lines.openingInterface(name));
  return await attemptLater(ExitStatus.DEVICE, lines.deviceFailed, async () => {
    if (fd !== null) {
      const { openInheritedDevice } = await import("../device/inherited_device.ts");
      return openInheritedDevice(fd, { mtu, offload, poller });
    }
    if (bess !== null) {
      const { acceptGuest } = await import("../device/frame_listener.ts");
      return await acceptGuest(bess, { mtu, poller });
    }
    return await openGuestDevice(netns, { interface: name, mtu, offload, makeTap, network });
  });
}
