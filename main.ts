/**
 * slirpnetstack: connects a guest's network namespace to the host's network, without privileges in the latter, through
 * a TCP/IP stack of its own.
 *
 * This module owns the start, the signals and the end. Frames come and go by `ffi/`, `stack/` makes connections and
 * datagrams of them, and `forward/` takes these to the host's network, as far as the policy lets them.
 *
 * @module
 */
import { dirname } from "node:path";
import { openDescriptors } from "./ffi/descriptors.ts";
import { ENOENT, ENOTDIR, errnoText, SystemError } from "./ffi/errors.ts";
import type { FrameDevice } from "./ffi/frame_device.ts";
import { GuestCommand, GuestError, mayMakeNamespaces } from "./ffi/guest.ts";
import { openGuestDevice, readFrames } from "./ffi/guest_device.ts";
import type { GuestNetwork } from "./ffi/guest_network.ts";
import { runHelper } from "./ffi/helper.ts";
import { HELPER_WORD } from "./ffi/helper_protocol.ts";
import { LibcHost } from "./ffi/host_libc/host.ts";
import { takeInherited, tellReady } from "./ffi/inherited_fd.ts";
import { follow, handSignalsOn, Terminal } from "./ffi/job.ts";
import { closeWithParent, closeWithPeer, tellParent } from "./ffi/lifetime.ts";
import { allocate } from "./ffi/memory.ts";
import { OutputFile } from "./ffi/output_file.ts";
import { PingSockets } from "./ffi/ping.ts";
import { Poller, type Polling } from "./ffi/poller.ts";
import { environmentVariable, parentPid, raiseDescriptorLimit, SIGTERM } from "./ffi/process.ts";
import { confine } from "./ffi/sandbox/confine.ts";
import { pollerAnswers } from "./ffi/sandbox/second_thread.ts";
import { findUser } from "./ffi/sandbox/users.ts";
import { openSocketDevice } from "./ffi/socket_device.ts";
import { SocketReset } from "./ffi/socket_reset.ts";
import { SourceAddresses } from "./ffi/source_address.ts";
import { readTextFile, readTextFileIfThere } from "./ffi/text_file.ts";
import { TurnPoller } from "./ffi/turn_poller.ts";
import { TunDevice } from "./ffi/tun_device.ts";
import { isWritable, WRITABLE_BYTES } from "./ffi/writable.ts";
import { Capture } from "./forward/capture/capture.ts";
import { captureFrames, CapturingDevice } from "./forward/capture/capturing_device.ts";
import { guestResolvConf } from "./forward/dns/guest_resolv_conf.ts";
import { NameServers } from "./forward/dns/servers.ts";
import type { HostNetwork } from "./forward/host.ts";
import { DenoHost } from "./forward/host_deno.ts";
import { hostError, reasonOf } from "./forward/host_error.ts";
import { gatewayRanges, LoopbackHost, type LoopbackPair } from "./forward/host_loopback.ts";
import {
  closing,
  commandFailed,
  deviceFailed,
  ExitStatus,
  fdAndNetns,
  guestFailed,
  joiningNetns,
  maxprocsIgnored,
  metricsFailed,
  openingInterface,
  pcapFailed,
  runningMetrics,
  started,
} from "./forward/lines.ts";
import { FAILURE, Life, messageOf } from "./forward/life.ts";
import { logLines, NO_LOGS } from "./forward/logs.ts";
import { EventLoopDelay } from "./forward/metrics/event_loop_delay.ts";
import { meteredLogs } from "./forward/metrics/metered_logs.ts";
import { MetricsServer } from "./forward/metrics/server.ts";
import { SlirpSource } from "./forward/metrics/slirp_source.ts";
import { LocalNames } from "./forward/names/local_names.ts";
import { SystemNames } from "./forward/names/system.ts";
import {
  type Options,
  type OptionsError,
  type OptionsOutcome,
  parseOptions,
  type SharedOptions,
} from "./forward/options/options.ts";
import { resolveOnHost } from "./forward/options/resolver.ts";
import { parseRunOptions, RUN_MTU, type RunOptions } from "./forward/options/run_options.ts";
import { Output } from "./forward/output.ts";
import { missingPermissions } from "./forward/permissions.ts";
import type { EchoHandler, EchoSender } from "./forward/pings.ts";
import { HostNetworks } from "./forward/policy/host_networks.ts";
import { NameGuard } from "./forward/policy/name_guard.ts";
import { Policy } from "./forward/policy/policy.ts";
import { setUpForwards } from "./forward/setup.ts";
import { asBound, shownBy } from "./forward/shown.ts";
import { Slirp } from "./forward/slirp.ts";
import { StackLoop } from "./forward/stack_loop.ts";
import { StartFailed } from "./forward/start_failed.ts";
import { version, versionLines } from "./forward/version.ts";
import { IpAddress } from "./stack/address.ts";
import { DEFAULT_ADDRESSES } from "./stack/addresses.ts";
import { FramePool } from "./stack/device.ts";

/** As if SIGTERM had ended a command: what has started us does not want it any more. */
const CLOSED = 128 + SIGTERM;

/** What the program's own addresses stand for with `-host-loopback`. */
const LOOPBACKS: readonly LoopbackPair[] = [
  { gateway: DEFAULT_ADDRESSES.gateway4, loopback: IpAddress.parse("127.0.0.1") },
  { gateway: DEFAULT_ADDRESSES.gateway6, loopback: IpAddress.parse("::1") },
];

/** kill(2): all processes of the caller's group. */
const OWN_GROUP = 0;

const stdout = new Output(Deno.stdout);
const stderr = new Output(Deno.stderr);
const life = new Life({ stdout, stderr, exit: Deno.exit });

/** Reads the command line and does what it says; for all but a start, ends the process. */
async function main(args: readonly string[]): Promise<void> {
  const missing = missingPermissions();
  if (missing.length > 0) {
    stderr.line(`[!] Permissions are missing. Run it as \`deno task start\` does, or with: ${missing.join(" ")}`);
    Deno.exit(FAILURE);
  }
  const own = new LocalNames(readTextFile);
  const [word, ...words] = args;
  if (word === "help" || word === "completions") {
    await tell(word, words);
  } else if (word === "run") {
    const { options, rest } = await parsed(word, parseRunOptions(words, resolveOnHost, own));
    await run(options, rest);
  } else {
    const { options } = await parsed("attach", parseOptions(args, resolveOnHost, own, findUser));
    await attach(options);
  }
}

/** What the command line says, if that is to start; otherwise ends the process. */
async function parsed<T extends SharedOptions>(command: string, parsing: Promise<OptionsOutcome<T>>) {
  const outcome = await parsing;
  if (outcome.kind === "error") {
    stderr.text(`${outcome.message}\n${outcome.usage}`);
    await hint(outcome, command);
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
  return outcome;
}

/** Help, and what shells need to complete words. Loaded only then: a start has no use for it. */
async function tell(word: "help" | "completions", args: readonly string[]): Promise<never> {
  const { help, terminalStyle } = await import("./forward/options/help/help.ts");
  const { completions } = await import("./forward/options/help/completions/completions.ts");
  const outcome = word === "help" ? help(args, terminalStyle(Deno.stdout)) : completions(args);
  if (outcome.kind === "text") stdout.text(outcome.text);
  else stderr.text(outcome.message);
  Deno.exit(outcome.kind === "text" ? ExitStatus.OK : ExitStatus.BAD_FLAGS);
}

/** A line on stderr about what may have been meant by a flag that there isn't, or a word that doesn't belong there. */
async function hint({ unknown, unexpected }: OptionsError, command: string): Promise<void> {
  const { flagHint, wordHint } = await import("./forward/options/help/help.ts");
  const forFlag = unknown === undefined ? null : flagHint(unknown, command);
  const line = unexpected === undefined ? forFlag : wordHint(unexpected);
  if (line !== null) stderr.line(line);
}

/** Serves a guest that exists, until a signal or the device's end. Rejects where it can't start. */
async function attach(options: Options): Promise<void> {
  const parent = parentPid();
  const close = () => {
    stderr.line(closing(Deno.pid));
    life.end(ExitStatus.OK);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, close);
  makeReady();
  const serving = await serve(options, {
    ...{ lines: options.quiet ? null : stdout, progress: stderr, close },
    open: (poller) => openDevice(options, poller),
    gone: () => life.end(FAILURE),
  });
  if (options.user !== null) tellParent(parent); // another user may not send it a signal
  giveUpPower(options, [parent], stderr);
  if (options.exitWithParent) closeWithParent(parent, close);
  stderr.line(started(Deno.pid));
  if (options.maxprocs !== null) stderr.line(maxprocsIgnored());
  serving.ready();
  life.started();
  if (options.user === null) tellParent(parent);
}

/** Makes a guest, runs a command in it, and ends with its status. Rejects where it can't start. */
async function run(options: RunOptions, words: readonly string[]): Promise<void> {
  const parent = parentPid();
  const shell = words.length === 0;
  const command = shell ? [environmentVariable("SHELL") || "/bin/sh"] : words;
  const progress = options.verbose ? stderr : null;
  makeReady();
  if (options.maxprocs !== null) stderr.line(maxprocsIgnored());
  const terminal = new Terminal();
  const guest = prepare(options, command, terminal.isLent);
  life.cleanups.push(() => guest.end());
  const close = () => life.end(CLOSED);
  const serving = await serve(options, {
    ...{ lines: options.quiet ? null : progress, progress, close },
    open: () => tunDevice(guest),
    gone: () => {
      const state = guest.pid === 0 ? null : guest.state(); // it takes the device with it
      life.end(state?.kind === "ended" ? state.status : FAILURE);
    },
  });
  if (options.exitWithParent) closeWithParent(parent, close);
  progress?.line(started(Deno.pid));
  serving.ready();
  life.cleanups.unshift(() => terminal.takeBack()); // when the guest has ended
  handSignalsOn(guest, terminal, shell);
  execute(guest, command[0]!);
  if (terminal.isLent) terminal.lend(guest.pid);
  giveUpPower(options, [...guest.pids, OWN_GROUP], progress);
  life.started();
  life.end(await follow(guest, terminal));
}

/** What serves needs many descriptors, and waits for no reader of its lines. */
function makeReady(): void {
  raiseDescriptorLimit();
  for (const [output, fd] of [[stdout, 1], [stderr, 2]] as const) {
    const after = (delay: number, run: () => void) => setTimeout(run, delay);
    output.dontWait({ isReady: () => isWritable(fd), maxWrite: WRITABLE_BYTES, after });
  }
}

/** What differs between guests. */
interface Serving {
  /** Opens the device. Throws a {@linkcode StartFailed}. */
  open(poller: Polling): FrameDevice;
  /** For lines about forwards and connections; null: nobody wants them. */
  readonly lines: Output | null;
  /** For lines about the program. */
  readonly progress: Output | null;
  /** There will be no more frames. */
  gone(): void;
  /** The end was asked for. */
  close(): void;
}

/**
 * Opens the device, sets up the forwards, and takes frames from then on. Rejects with a {@linkcode StartFailed}. What it
 * resolves with is to be told when all else is ready, too.
 */
async function serve(options: SharedOptions, guest: Serving): Promise<{ ready(): void }> {
  const { cleanups } = life;
  const gone = (device: string, error: Error) => {
    stderr.line(`[!] No more frames from ${device}: ${error.message}`);
    guest.gone();
  };
  for (const fd of [options.readyFd, options.exitFd]) if (fd !== null) inherit(fd);
  const metrics = options.metrics === null ? null : await listenForMetrics(options.metrics, guest.progress);
  if (metrics !== null) cleanups.push(() => metrics.close());
  const { poller, thread, defer } = makePoller(options, (error) => gone("the system", error));
  if (options.exitFd !== null) closeWith(options.exitFd, poller, guest.close);
  const device = guest.open(poller);
  cleanups.push(() => device.close());
  const capture = options.pcap === null ? null : openCapture(options.pcap, device);
  if (capture !== null) cleanups.push(() => capture.close());

  const frames = new FramePool(allocate);
  const hostNetworks = new HostNetworks({ read: readTextFile, now: () => performance.now() });
  const allow = options.hostLoopback ? [...options.allow, ...gatewayRanges(LOOPBACKS)] : options.allow;
  const policy = new Policy({ ...options, allow, hostNetworks });
  const sources = new SourceAddresses(IpAddress.at);
  const lines = guest.lines === null ? NO_LOGS : logLines(guest.lines);
  const { logs, meters } = metrics === null ? { logs: lines, meters: [] } : meteredLogs(lines);
  const slirp = new Slirp({
    device: capture === null ? device : new CapturingDevice(device, capture),
    ...{ frames, allocate, policy, logs },
    ...hosts(options, poller, defer),
    echo: options.icmp === "auto" ? (handler) => pingSockets(options, poller, handler, guest.progress) : options.icmp,
    nameServers: new NameServers({ read: readTextFile, now: () => performance.now() }),
    ...{ dns: options.dns, dhcp: options.dhcp, slaac: options.slaac },
    limits: options.limits,
    ...(defer === null ? {} : { loop: new StackLoop(defer) }),
    shown: guest.lines === null ? asBound : shownBy((remote) => sources.towards(remote)),
  });
  cleanups.push(() => slirp.close());
  metrics?.show(
    new SlirpSource({
      ...{ version, frames, meters, capture, lines: { stdout, stderr } },
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
    line: (text) => guest.lines?.line(text),
    names: new SystemNames(),
    ttl: options.dnsTtl,
    now: () => performance.now(),
    random: Math.random,
  });
  if (options.sandbox || options.user !== null) await pollerAnswers(thread);
  const taker = capture === null ? slirp : captureFrames(slirp, capture);
  cleanups.push(readFrames(device, poller, frames, taker, (error) => gone(device.name, error)));
  return { ready: () => options.readyFd === null || tellReady(options.readyFd) };
}

/**
 * `-user` and `-sandbox`: when all is open, and before the event loop reads the first frame. Throws a
 * {@linkcode StartFailed}.
 *
 * @param processes those that are sent signals later
 */
function giveUpPower(options: SharedOptions, processes: readonly number[], progress: Output | null): void {
  const { user, sandbox, icmp, metrics } = options;
  const removable = metrics?.kind === "unix" ? dirname(metrics.path) : null;
  try {
    const missing = confine({ user, sandbox, signals: processes, rawIcmp: icmp === "auto", removable });
    for (const text of missing) progress?.line(`[.] -sandbox: ${text}`);
  } catch (error) {
    throw new StartFailed(FAILURE, `[!] Failed to give up privileges: ${messageOf(error)}`, { cause: error });
  }
}

async function listenForMetrics(
  address: NonNullable<Options["metrics"]>,
  progress: Output | null,
): Promise<MetricsServer> {
  try {
    const server = await MetricsServer.listen(address);
    progress?.line(runningMetrics(Deno.pid, server.address));
    return server;
  } catch (error) {
    throw new StartFailed(ExitStatus.METRICS, metricsFailed(reasonOf(error)));
  }
}

function openDevice(options: Options, poller: Polling): FrameDevice {
  const { netns, interface: name, fd, mtu, configure } = options;
  const network = configure ? guestNetwork(mtu || RUN_MTU) : null;
  if (fd !== null && netns !== null) throw new StartFailed(ExitStatus.FD_AND_NETNS, fdAndNetns());
  if (fd === null) {
    if (netns !== null) stderr.line(joiningNetns(netns));
    stderr.line(openingInterface(name));
  }
  try {
    return fd === null
      ? openGuestDevice(netns, { interface: name, mtu, network })
      : openSocketDevice(fd, { mtu, poller });
  } catch (error) {
    throw new StartFailed(ExitStatus.DEVICE, deviceFailed(messageOf(error)));
  }
}

/** Starts to make a guest for a command. Throws a {@linkcode StartFailed}. */
function prepare(options: RunOptions, command: readonly string[], ownGroup: boolean): GuestCommand {
  const { interface: name, mtu, dns, keepUser: keepIds } = options;
  const servers = [DEFAULT_ADDRESSES.dns4, DEFAULT_ADDRESSES.dns6];
  try {
    return GuestCommand.prepare({
      ...{ interface: name, mtu, network: guestNetwork(mtu), command, keepIds, ownGroup },
      userNamespace: options.userNamespace || !mayMakeNamespaces(),
      resolvConf: dns ? guestResolvConf(readTextFileIfThere("/etc/resolv.conf"), servers) : null,
    });
  } catch (error) {
    throw new StartFailed(ExitStatus.DEVICE, guestFailed(messageOf(error)));
  }
}

function tunDevice(guest: GuestCommand): FrameDevice {
  try {
    return new TunDevice(guest.device());
  } catch (error) {
    throw new StartFailed(ExitStatus.DEVICE, guestFailed(messageOf(error)));
  }
}

/** Starts the command, or ends with the status by which shells say that there is none. */
function execute(guest: GuestCommand, name: string): void {
  try {
    guest.start();
  } catch (error) {
    if (error instanceof GuestError) throw new StartFailed(ExitStatus.DEVICE, guestFailed(error.message));
    if (!(error instanceof SystemError)) throw error;
    const missing = error.errno === ENOENT || error.errno === ENOTDIR;
    const status = missing ? ExitStatus.NOT_FOUND : ExitStatus.NOT_EXECUTABLE;
    throw new StartFailed(status, commandFailed(name, errnoText(error.errno)));
  }
}

/** The guest's side of its network. */
function guestNetwork(mtu: number): GuestNetwork {
  const { guest4, gateway4, guest6, gateway6 } = DEFAULT_ADDRESSES;
  return {
    mtu,
    ipv4: { address: String(guest4), prefixLength: 24, gateway: String(gateway4) },
    ipv6: { address: String(guest6), prefixLength: 64, gateway: String(gateway6) },
  };
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
 * What waits for descriptors: where no socket is the runtime's, in the kernel and between turns of the event loop.
 * `thread` is the part of it that waits in a second thread; `defer` puts off work to after the events that there are;
 * null: the event loop does that. Throws a {@linkcode StartFailed}.
 */
function makePoller(
  options: SharedOptions,
  onError: (error: Error) => void,
): { readonly poller: Polling; readonly thread: Poller; readonly defer: ((run: () => void) => void) | null } {
  try {
    if (options.sockets === "deno") {
      const poller = new Poller({ onError });
      return { poller, thread: poller, defer: null };
    }
    const poller = new TurnPoller({ onError });
    return { poller, thread: poller.sleeper, defer: (run) => poller.defer(run) };
  } catch (error) {
    throw new StartFailed(FAILURE, `[!] Failed to watch descriptors: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * The host's network, both for what goes out to it and for those who come from there. The program's own sockets need
 * fewer system calls than the runtime's and no promises, take bursts of datagrams as they come, and are told of ICMP
 * errors. With `-sockets deno`, streams go out through the runtime's, unless they need a source address, for which these
 * have no call.
 */
function hosts(
  options: SharedOptions,
  poller: Polling,
  defer: ((run: () => void) => void) | null,
): { readonly host: HostNetwork; readonly listeners: HostNetwork } {
  const { sourceIpv4: source4, sourceIpv6: source6 } = options;
  const sockets = { poller, error: hostError, address: IpAddress.at, ...(defer === null ? {} : { defer }) };
  const listeners = new LibcHost(sockets);
  const outgoing = new LibcHost({ ...sockets, source4, source6 });
  const through = (host: HostNetwork) => options.hostLoopback ? new LoopbackHost(host, LOOPBACKS) : host;
  if (options.sockets === "libc" || source4 !== null || source6 !== null) return { host: through(outgoing), listeners };
  const resets = new SocketReset();
  const runtime = new DenoHost((local, remote) => resets.reset(local, remote));
  const host: HostNetwork = {
    // the runtime's have no interface either
    dial: (remote, options) => (options?.zone === undefined ? runtime : outgoing).dial(remote, options),
    listen: (local, accepted) => listeners.listen(local, accepted),
    datagram: (local, handler, options) => outgoing.datagram(local, handler, options),
  };
  return { host: through(host), listeners };
}

/** The host's pings. */
function pingSockets(
  options: SharedOptions,
  poller: Polling,
  handler: EchoHandler,
  progress: Output | null,
): EchoSender {
  return new PingSockets({
    ...{ poller, handler },
    now: () => performance.now(),
    address: IpAddress.at,
    source4: options.sourceIpv4,
    source6: options.sourceIpv6,
    unavailable: (version, error) => progress?.line(`[!] No pings over IPv${version}: ${error.message}`),
  });
}

/** Takes over a descriptor of whoever started the program. Throws a {@linkcode StartFailed}. */
function inherit(fd: number): void {
  try {
    takeInherited(fd);
  } catch (error) {
    throw new StartFailed(FAILURE, `[!] ${messageOf(error)}`);
  }
}

/** Calls `close` when the other end of a pipe or a socket is closed. Throws a {@linkcode StartFailed}. */
function closeWith(fd: number, poller: Polling, close: () => void): void {
  try {
    closeWithPeer(fd, poller, close);
  } catch (error) {
    throw new StartFailed(FAILURE, `[!] No end can be waited for: ${messageOf(error)}`);
  }
}

// What nobody has waited for, be it rejected or thrown by what the event loop has called.
globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  life.stray(event.reason);
});
globalThis.addEventListener("error", (event) => {
  event.preventDefault();
  life.stray(event.error ?? event.message);
});

if (Deno.args[0] === HELPER_WORD) runHelper(Deno.args[1]!); // in an executable, there is no other module to start with
await life.live(() => main(Deno.args));
