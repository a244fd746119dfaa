/**
 * slirpnetstack: connects a guest's network namespace to the host's network, without privileges in the latter, through
 * a TCP/IP stack of its own.
 *
 * This module owns the start, the signals and the end. Frames come and go by `ffi/`, `stack/` makes connections and
 * datagrams of them, and `forward/` takes these to the host's network, as far as the policy lets them.
 *
 * @module
 */
import { allocate } from "./ffi/memory.ts";
import { parentPid, raiseDescriptorLimit, sendSignal, SIGWINCH } from "./ffi/process.ts";
import { SocketReset } from "./ffi/socket_reset.ts";
import { readTextFile } from "./ffi/text_file.ts";
import type { TunDevice } from "./ffi/tun_device.ts";
import { FlowLines, NO_LINES } from "./forward/flow_lines.ts";
import { DenoHost } from "./forward/host_deno.ts";
import { closing, deviceFailed, ExitStatus, joiningNetns, openingInterface, started } from "./forward/lines.ts";
import { type Options, parseOptions } from "./forward/options/options.ts";
import { resolveOnHost } from "./forward/options/resolver.ts";
import { Output } from "./forward/output.ts";
import { HostNetworks } from "./forward/policy/host_networks.ts";
import { Policy } from "./forward/policy/policy.ts";
import { Slirp } from "./forward/slirp.ts";
import { versionLines } from "./forward/version.ts";
import { openGuestDevice, readFrames } from "./ffi/guest_device.ts";
import { missingPermissions } from "./forward/permissions.ts";
import { FramePool } from "./stack/device.ts";

/** Deno does not let us, or the device has gone: none of the statuses that scripts know. */
const FAILURE = 1;

const stdout = new Output(Deno.stdout);
const stderr = new Output(Deno.stderr);

/** Reads the command line and does what it says; for all but a start, ends the process. */
async function main(args: readonly string[]): Promise<void> {
  const missing = missingPermissions();
  if (missing.length > 0) {
    stderr.line(`[!] Permissions are missing. Run it as \`deno task start\` does, or with: ${missing.join(" ")}`);
    Deno.exit(FAILURE);
  }
  const outcome = await parseOptions(args, resolveOnHost);
  if (outcome.kind === "error") {
    stderr.text(`${outcome.message}\n${outcome.usage}`);
    Deno.exit(ExitStatus.BAD_FLAGS);
  }
  if (outcome.kind === "help") {
    stderr.text(outcome.usage);
    Deno.exit(ExitStatus.OK);
  }
  if (outcome.options.version) {
    stdout.line(await versionLines());
    Deno.exit(ExitStatus.OK);
  }
  start(outcome.options);
}

/** Opens the device and starts to serve. */
function start(options: Options): void {
  raiseDescriptorLimit();
  const device = openDevice(options);
  const frames = new FramePool(allocate);
  const sockets = new SocketReset();
  const hostNetworks = new HostNetworks({ read: readTextFile, now: () => performance.now() });
  const slirp = new Slirp({
    device,
    frames,
    allocate,
    host: new DenoHost((local, remote) => sockets.reset(local, remote)),
    policy: new Policy({ ...options, hostNetworks }),
    echo: options.icmp === "off" ? "off" : "local",
    tcpLog: options.quiet ? NO_LINES : new FlowLines("tcp", stdout),
    udpLog: options.quiet ? NO_LINES : new FlowLines("udp", stdout),
  });
  const stopReading = readFrames(device, frames, slirp, (error) => {
    stderr.line(`[!] No more frames from ${device.name}: ${error.message}`);
    end(FAILURE);
  });
  const end = (status: number) => {
    slirp.close();
    stopReading();
    device.close();
    Deno.exit(status);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      stderr.line(closing(Deno.pid));
      end(ExitStatus.OK);
    });
  }
  stderr.line(started(Deno.pid));
  tellParent();
}

function openDevice(options: Options): TunDevice {
  const { netns, interface: name, mtu } = options;
  if (netns !== null) stderr.line(joiningNetns(netns));
  stderr.line(openingInterface(name));
  try {
    return openGuestDevice(netns, name, mtu);
  } catch (error) {
    stderr.line(deviceFailed(error instanceof Error ? error.message : String(error)));
    Deno.exit(ExitStatus.DEVICE);
  }
}

/** SIGWINCH, which does nothing to those who don't wait for it. A parent in another pid namespace has no number. */
function tellParent(): void {
  const parent = parentPid();
  if (parent === 0) return;
  try {
    sendSignal(parent, SIGWINCH);
  } catch {
    // it belongs to someone else, or has just ended: it does not wait then
  }
}

// An error that only a fault of the program can cause, in what it does for one connection: the others go on.
globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  const { reason } = event;
  stderr.line(`[!] Internal error: ${reason instanceof Error ? reason.stack ?? reason.message : reason}`);
});

await main(Deno.args);
