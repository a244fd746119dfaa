/**
 * The device of a guest that exists.
 *
 * @module
 */
import type { FrameDevice } from "../device/frame_device.ts";
import { openGuestDevice } from "../guest/guest_device.ts";
import type { Polling } from "../poll/poller.ts";
import { guestNetwork } from "../../forward/addresses/guest_configuration.ts";
import { RUN_MTU } from "../../forward/cli/flags/flag_table.ts";
import type { Options } from "../../forward/cli/flags/options.ts";
import * as lines from "../../forward/report/contract_lines.ts";
import type { Output } from "../../forward/report/output.ts";
import { attempt, StartFailed } from "../../forward/report/start_failed.ts";

const { ExitStatus } = lines;

/** Opens the device of a guest that exists. Its progress is told on `progress`. Rejects with a {@linkcode StartFailed}. */
export async function openDevice(options: Options, poller: Polling, progress: Output): Promise<FrameDevice> {
  const { netns, interface: name, fd, mtu, offload, configure, addresses } = options;
  const network = configure ? guestNetwork(mtu || RUN_MTU, addresses) : null;
  if (fd !== null && netns !== null) throw new StartFailed(ExitStatus.FD_AND_NETNS, lines.fdAndNetns());
  if (fd === null && netns !== null) progress.line(lines.joiningNetns(netns));
  if (fd === null) progress.line(lines.openingInterface(name));
  const failed = [ExitStatus.DEVICE, lines.deviceFailed] as const;
  if (fd === null) return attempt(...failed, () => openGuestDevice(netns, { interface: name, mtu, offload, network }));
  const { openSocketDevice } = await import("../device/socket_device.ts");
  return attempt(...failed, () => openSocketDevice(fd, { mtu, poller }));
}
