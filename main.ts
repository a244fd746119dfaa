/**
 * slirpnetstack: connects a guest's network namespace to the host's network, without privileges in the latter, through
 * a TCP/IP stack of its own.
 *
 * This module owns the start, the signals and the end. Frames come and go by `ffi/`, `stack/` makes connections and
 * datagrams of them, and `forward/` takes these to the host's network, as far as the policy lets them.
 *
 * @module
 */
import { openGuestDevice, readFrames } from "./ffi/guest_device.ts";
import { allocate } from "./ffi/memory.ts";
import { parentPid, raiseDescriptorLimit, sendSignal, signalWhenParentEnds, SIGUSR2, SIGWINCH } from "./ffi/process.ts";
import { SocketReset } from "./ffi/socket_reset.ts";
import { SourceAddresses } from "./ffi/source_address.ts";
import { readTextFile } from "./ffi/text_file.ts";
import type { TunDevice } from "./ffi/tun_device.ts";
import { DenoHost } from "./forward/host_deno.ts";
import {
  closing,
  deviceFailed,
  ExitStatus,
  joiningNetns,
  maxprocsIgnored,
  openingInterface,
  started,
} from "./forward/lines.ts";
import { logLines, NO_LOGS } from "./forward/logs.ts";
import { SystemNames } from "./forward/names/system.ts";
import { type Options, parseOptions } from "./forward/options/options.ts";
import { resolveOnHost } from "./forward/options/resolver.ts";
import { Output } from "./forward/output.ts";
import { missingPermissions } from "./forward/permissions.ts";
import { HostNetworks } from "./forward/policy/host_networks.ts";
import { Policy } from "./forward/policy/policy.ts";
import { ForwardFailed, setUpForwards } from "./forward/setup.ts";
import { asBound, shownBy } from "./forward/shown.ts";
import { Slirp } from "./forward/slirp.ts";
import { versionLines } from "./forward/version.ts";
import { IpAddress } from "./stack/address.ts";
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
  await start(outcome.options);
}

/** Opens the device, sets up the forwards, and starts to serve. */
async function start(options: Options): Promise<void> {
  const parent = parentPid();
  raiseDescriptorLimit();
  const device = openDevice(options);
  const frames = new FramePool(allocate);
  const slirp = makeSlirp(device, frames, options);
  let stopReading = () => {};
  const end = (status: number): never => {
    slirp.close();
    stopReading();
    device.close();
    Deno.exit(status);
  };
  const close = () => {
    stderr.line(closing(Deno.pid));
    end(ExitStatus.OK);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, close);
  if (options.exitWithParent) closeWithParent(parent, close);
  try {
    await setUpForwards(options.localForwards, options.remoteForwards, {
      localTcp: slirp.localFlows,
      localUdp: slirp.localDatagrams,
      remoteTcp: slirp.remoteTcp,
      remoteUdp: slirp.remoteUdp,
      line: (text) => options.quiet || stdout.line(text),
      names: new SystemNames(),
      ttl: options.dnsTtl,
      now: () => performance.now(),
      random: Math.random,
    });
  } catch (error) {
    if (!(error instanceof ForwardFailed)) throw error;
    stderr.line(error.message);
    end(error.status);
  }
  stopReading = readFrames(device, frames, slirp, (error) => {
    stderr.line(`[!] No more frames from ${device.name}: ${error.message}`);
    end(FAILURE);
  });
  stderr.line(started(Deno.pid));
  if (options.maxprocs !== null) stderr.line(maxprocsIgnored());
  tellParent(parent);
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

function makeSlirp(device: TunDevice, frames: FramePool, options: Options): Slirp {
  const sockets = new SocketReset();
  const host = new DenoHost((local, remote) => sockets.reset(local, remote));
  const hostNetworks = new HostNetworks({ read: readTextFile, now: () => performance.now() });
  const sources = new SourceAddresses(IpAddress.at);
  return new Slirp({
    device,
    frames,
    allocate,
    host,
    listeners: host,
    policy: new Policy({ ...options, hostNetworks }),
    echo: options.icmp === "off" ? "off" : "local",
    logs: options.quiet ? NO_LOGS : logLines(stdout),
    shown: options.quiet ? asBound : shownBy((remote) => sources.towards(remote)),
  });
}

/**
 * Calls `close` when the parent process ends. The kernel tells of the end of the thread that started this process, which
 * may not be the end of the parent, so the signal that it tells by is one of its own.
 */
function closeWithParent(parent: number, close: () => void): void {
  Deno.addSignalListener("SIGUSR2", () => {
    if (parentPid() !== parent) close();
  });
  if (!signalWhenParentEnds(SIGUSR2, parent)) close();
}

/** SIGWINCH, which does nothing to those who don't wait for it. A parent in another pid namespace has no number. */
function tellParent(parent: number): void {
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
