/**
 * The device of a guest that exists.
 *
 * @module
 */
import * as system from "../mod.ts";
import { guestNetwork } from "../../forward/addresses/guest_configuration.ts";
import { RUN_MTU } from "../../forward/cli/flags/flag_table.ts";
import type { Options } from "../../forward/cli/flags/options.ts";
import * as lines from "../../forward/report/contract_lines.ts";
import type { Output } from "../../forward/report/output.ts";
import { attempt, StartFailed } from "../../forward/report/start_failed.ts";

const { ExitStatus } = lines;

/** Opens the device of a guest that exists. Its progress is told on `progress`. Throws a {@linkcode StartFailed}. */
export function openDevice(options: Options, poller: system.Polling, progress: Output): system.FrameDevice {
  const { netns, interface: name, fd, mtu, offload, configure } = options;
  const network = configure ? guestNetwork(mtu || RUN_MTU) : null;
  if (fd !== null && netns !== null) throw new StartFailed(ExitStatus.FD_AND_NETNS, lines.fdAndNetns());
  if (fd === null && netns !== null) progress.line(lines.joiningNetns(netns));
  if (fd === null) progress.line(lines.openingInterface(name));
  return attempt(ExitStatus.DEVICE, lines.deviceFailed, () => {
    if (fd !== null) return system.openSocketDevice(fd, { mtu, poller });
    return system.openGuestDevice(netns, { interface: name, mtu, offload, network });
  });
}
