/**
 * slirpnetstack: connects a guest's network namespace to the host's network, without privileges in the latter, through
 * a TCP/IP stack of its own.
 *
 * This module owns the start, the signals and the end. Frames come and go by `ffi/`, `stack/` makes connections and
 * datagrams of them, and `forward/` takes these to the host's network, as far as the policy lets them.
 *
 * @module
 */
import { openDescriptors } from "./ffi/descriptors.ts";
import type { FrameDevice } from "./ffi/frame_device.ts";
import { openGuestDevice, readFrames } from "./ffi/guest_device.ts";
import { LibcHost } from "./ffi/host_libc/host.ts";
import { allocate } from "./ffi/memory.ts";
import { OutputFile } from "./ffi/output_file.ts";
import { PingSockets } from "./ffi/ping.ts";
import { Poller } from "./ffi/poller.ts";
import { parentPid, raiseDescriptorLimit, sendSignal, signalWhenParentEnds, SIGUSR2, SIGWINCH } from "./ffi/process.ts";
import { openSocketDevice } from "./ffi/socket_device.ts";
import { SocketReset } from "./ffi/socket_reset.ts";
import { SourceAddresses } from "./ffi/source_address.ts";
import { readTextFile } from "./ffi/text_file.ts";
import { Capture } from "./forward/capture/capture.ts";
import { captureFrames, CapturingDevice } from "./forward/capture/capturing_device.ts";
import { NameServers } from "./forward/dns/servers.ts";
import { DenoHost } from "./forward/host_deno.ts";
import type { HostNetwork } from "./forward/host.ts";
import { hostError, reasonOf } from "./forward/host_error.ts";
import {
  closing,
  deviceFailed,
  ExitStatus,
  fdAndNetns,
  joiningNetns,
  maxprocsIgnored,
  metricsFailed,
  openingInterface,
  pcapFailed,
  runningMetrics,
  started,
} from "./forward/lines.ts";
import { logLines, NO_LOGS } from "./forward/logs.ts";
import { EventLoopDelay } from "./forward/metrics/event_loop_delay.ts";
import { meteredLogs } from "./forward/metrics/metered_logs.ts";
import { MetricsServer } from "./forward/metrics/server.ts";
import { SlirpSource } from "./forward/metrics/slirp_source.ts";
import { LocalNames } from "./forward/names/local_names.ts";
import { SystemNames } from "./forward/names/system.ts";
import { type Options, parseOptions } from "./forward/options/options.ts";
import { resolveOnHost } from "./forward/options/resolver.ts";
import { Output } from "./forward/output.ts";
import { missingPermissions } from "./forward/permissions.ts";
import type { EchoHandler, EchoSender } from "./forward/pings.ts";
import { HostNetworks } from "./forward/policy/host_networks.ts";
import { NameGuard } from "./forward/policy/name_guard.ts";
import { Policy } from "./forward/policy/policy.ts";
import { setUpForwards } from "./forward/setup.ts";
import { asBound, shownBy } from "./forward/shown.ts";
import { Slirp } from "./forward/slirp.ts";
import { StartFailed } from "./forward/start_failed.ts";
import { version, versionLines } from "./forward/version.ts";
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
  const outcome = await parseOptions(args, resolveOnHost, new LocalNames(readTextFile));
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

/** Starts to serve, or ends the process with a line that says why not. */
async function start(options: Options): Promise<void> {
  const parent = parentPid();
  raiseDescriptorLimit();
  const cleanups: (() => void)[] = [];
  const end = (status: number): never => {
    for (const undo of cleanups.splice(0).reverse()) undo();
    Deno.exit(status);
  };
  const close = () => {
    stderr.line(closing(Deno.pid));
    end(ExitStatus.OK);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, close);
  try {
    await setUp(options, cleanups, (device, error) => {
      stderr.line(`[!] No more frames from ${device}: ${error.message}`);
      end(FAILURE);
    });
  } catch (error) {
    if (!(error instanceof StartFailed)) throw error;
    stderr.line(error.message);
    end(error.status);
  }
  if (options.exitWithParent) closeWithParent(parent, close);
  stderr.line(started(Deno.pid));
  if (options.maxprocs !== null) stderr.line(maxprocsIgnored());
  tellParent(parent);
}

/**
 * Opens the device, sets up the forwards, and takes frames from then on. Rejects with a {@linkcode StartFailed}.
 *
 * @param cleanups what is to be called at the end, the last first, is added here
 * @param gone called when there will be no more frames from the device of that name
 */
async function setUp(
  options: Options,
  cleanups: (() => void)[],
  gone: (device: string, error: Error) => void,
): Promise<void> {
  const metrics = options.metrics === null ? null : await listenForMetrics(options.metrics);
  if (metrics !== null) cleanups.push(() => metrics.close());
  const poller = new Poller({ onError: (error) => gone("the system", error) });
  const device = openDevice(options, poller);
  cleanups.push(() => device.close());
  const capture = options.pcap === null ? null : openCapture(options.pcap, device);
  if (capture !== null) cleanups.push(() => capture.close());

  const frames = new FramePool(allocate);
  const hostNetworks = new HostNetworks({ read: readTextFile, now: () => performance.now() });
  const policy = new Policy({ ...options, hostNetworks });
  const sources = new SourceAddresses(IpAddress.at);
  const lines = options.quiet ? NO_LOGS : logLines(stdout);
  const { logs, meters } = metrics === null ? { logs: lines, meters: [] } : meteredLogs(lines);
  const slirp = new Slirp({
    device: capture === null ? device : new CapturingDevice(device, capture),
    ...{ frames, allocate, policy, logs },
    ...hosts(options, poller),
    echo: options.icmp === "auto" ? (handler) => pingSockets(options, poller, handler) : options.icmp,
    dns: options.dns ? new NameServers({ read: readTextFile, now: () => performance.now() }) : null,
    limits: options.limits,
    shown: options.quiet ? asBound : shownBy((remote) => sources.towards(remote)),
  });
  cleanups.push(() => slirp.close());
  metrics?.show(
    new SlirpSource({
      ...{ version, frames, meters, capture },
      device: device.counters,
      stack: slirp.stack,
      usage: () => slirp.usage,
      denials: policy.denials,
      dns: slirp.dns?.counters ?? null,
      eventLoopDelay: new EventLoopDelay(),
      process: { read: readTextFile, openDescriptors },
    }),
  );

  await setUpForwards(options.localForwards, options.remoteForwards, {
    localTcp: slirp.localFlows,
    localUdp: slirp.localDatagrams,
    remoteTcp: slirp.remoteTcp,
    remoteUdp: slirp.remoteUdp,
    guard: new NameGuard(policy, new LocalNames(readTextFile)),
    line: (text) => options.quiet || stdout.line(text),
    names: new SystemNames(),
    ttl: options.dnsTtl,
    now: () => performance.now(),
    random: Math.random,
  });
  const taker = capture === null ? slirp : captureFrames(slirp, capture);
  cleanups.push(readFrames(device, poller, frames, taker, (error) => gone(device.name, error)));
}

async function listenForMetrics(address: NonNullable<Options["metrics"]>): Promise<MetricsServer> {
  try {
    const server = await MetricsServer.listen(address);
    stderr.line(runningMetrics(Deno.pid, server.address));
    return server;
  } catch (error) {
    throw new StartFailed(ExitStatus.METRICS, metricsFailed(reasonOf(error)));
  }
}

function openDevice(options: Options, poller: Poller): FrameDevice {
  const { netns, interface: name, fd, mtu } = options;
  if (fd !== null && netns !== null) throw new StartFailed(ExitStatus.FD_AND_NETNS, fdAndNetns());
  if (fd === null) {
    if (netns !== null) stderr.line(joiningNetns(netns));
    stderr.line(openingInterface(name));
  }
  try {
    return fd === null ? openGuestDevice(netns, name, mtu) : openSocketDevice(fd, { mtu, poller });
  } catch (error) {
    throw new StartFailed(ExitStatus.DEVICE, deviceFailed(messageOf(error)));
  }
}

function openCapture(path: string, device: FrameDevice): Capture {
  try {
    return new Capture({
      sink: OutputFile.create(path),
      medium: device.medium,
      after: (delay, run) => setTimeout(run, delay),
      problem: (text) => stderr.line(`[!] ${text}`),
    });
  } catch (error) {
    throw new StartFailed(ExitStatus.PCAP, pcapFailed(messageOf(error)));
  }
}

/**
 * The host's network, both for what goes out to it and for those who come from there. Streams go out through the
 * runtime's own sockets unless they need a source address, for which these have no call. Datagrams go through libc's,
 * which take bursts as they come and are told of ICMP errors.
 */
function hosts(options: Options, poller: Poller): { readonly host: HostNetwork; readonly listeners: HostNetwork } {
  const { sourceIpv4: source4, sourceIpv6: source6 } = options;
  const sockets = { poller, error: hostError, address: IpAddress.at };
  const listeners = new LibcHost(sockets);
  const outgoing = new LibcHost({ ...sockets, source4, source6 });
  if (source4 !== null || source6 !== null) return { host: outgoing, listeners };
  const resets = new SocketReset();
  const runtime = new DenoHost((local, remote) => resets.reset(local, remote));
  const host: HostNetwork = {
    // the runtime's have no interface either
    dial: (remote, options) => (options?.zone === undefined ? runtime : outgoing).dial(remote, options),
    listen: (local, accepted) => listeners.listen(local, accepted),
    datagram: (local, handler) => outgoing.datagram(local, handler),
  };
  return { host, listeners };
}

/** The host's pings. */
function pingSockets(options: Options, poller: Poller, handler: EchoHandler): EchoSender {
  return new PingSockets({
    ...{ poller, handler },
    now: () => performance.now(),
    address: IpAddress.at,
    source4: options.sourceIpv4,
    source6: options.sourceIpv6,
    unavailable: (version, error) => stderr.line(`[!] No pings over IPv${version}: ${error.message}`),
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

// An error that only a fault of the program can cause, in what it does for one connection: the others go on.
globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  const { reason } = event;
  stderr.line(`[!] Internal error: ${reason instanceof Error ? reason.stack ?? reason.message : reason}`);
});

await main(Deno.args);
