/**
 * slirpnetstack connects a guest's network namespace to the host's network, without privileges over the host's network,
 * through a TCP/IP stack of its own.
 *
 * This module starts the program, wires its parts together and ends it. `ffi/` reads and writes the guest's frames,
 * `stack/` turns them into connections and datagrams, and `forward/` takes these to the host's network as far as the policy
 * allows.
 *
 *     main             the command line, the program log, then one of these two:
 *       attach         serve a guest that exists, until a signal or the end of its device
 *       run            make a guest, run a command in it, and end with the command's status
 *     makeReady        the terminal, the descriptor limit, output that does not block
 *     serve            the poller, the device, the capture, the metrics and the network, wired together
 *     giveUpPower      `-user` and `-sandbox`
 *     openDevice       the device of a guest that exists
 *     prepare, execute   the guest of `run`, and its command
 *     hosts, pingSockets   the sockets of the host
 *
 * @module
 */
import { dirname } from "node:path";
import * as system from "./ffi/mod.ts";
import { startCapture } from "./forward/capture/start.ts";
import { guestResolvConf } from "./forward/dns/guest_resolv_conf.ts";
import { guestNetwork } from "./forward/addresses/guest_configuration.ts";
import { chooseHosts } from "./forward/host_choice.ts";
import { Life } from "./forward/cli/life.ts";
import * as lines from "./forward/report/contract_lines.ts";
import { startMetrics } from "./forward/metrics/start.ts";
import { makeNetwork } from "./forward/network.ts";
import { SpareDescriptors } from "./forward/limits/spare_descriptors.ts";
import { readCommandLine } from "./forward/cli/command_line.ts";
import { RUN_MTU } from "./forward/cli/flags/flag_table.ts";
import type { Options, RunOptions, SharedOptions } from "./forward/cli/flags/options.ts";
import { Output } from "./forward/report/output.ts";
import { missingPermissions } from "./forward/cli/permissions.ts";
import type { PingHandler } from "./forward/icmp/pings.ts";
import type { ProgramLog } from "./forward/log/program_log.ts";
import { startLog } from "./forward/log/start.ts";
import { attempt, messageOf, StartFailed } from "./forward/report/start_failed.ts";
import { version } from "./forward/cli/version.ts";
import { DEFAULT_ADDRESSES } from "./stack/link/addresses.ts";
import { FramePool } from "./stack/base/device.ts";

const { ExitStatus } = lines;

/** The status when the program was asked to end while a command runs: as if SIGTERM had ended the command. */
const CLOSED = 128 + system.SIGTERM;

/** As a target of kill(2): all processes of the caller's group. */
const OWN_GROUP = 0;

const stdout = new Output(Deno.stdout);
const stderr = new Output(Deno.stderr);
const life = new Life({ stdout, stderr, exit: Deno.exit });

/** Reads the command line, starts the program log, and attaches or runs. */
async function main(args: readonly string[]): Promise<void> {
  const missing = missingPermissions();
  if (missing.length > 0) throw new StartFailed(ExitStatus.FAILURE, lines.permissionsMissing(missing));
  const { readTextFile: read, findUser } = system;
  const command = await readCommandLine(args, { stdout, stderr, read, findUser });
  if (command.kind === "end") return life.end(command.status);
  const { kind, flags } = command;
  const log = await startLog(command.options, { append: system.OutputFile.append, stderr });
  log?.info("starting", { version, deno: Deno.version.deno, pid: Deno.pid, kind, flags });
  life.cleanups.push(() => log?.info("ending"));
  try {
    await (command.kind === "run" ? run(command.options, command.words, log) : attach(command.options, log));
  } catch (error) {
    log?.error("start failed", { reason: messageOf(error) });
    throw error;
  }
}

/** Serves a guest that exists, until a signal or the end of its device. Rejects when the start fails. */
async function attach(options: Options, log: ProgramLog | null): Promise<void> {
  const parent = system.parentPid();
  const close = () => {
    stderr.line(lines.closing(Deno.pid));
    life.end(ExitStatus.OK);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, close);
  makeReady();
  const serving = await serve(options, {
    lines: options.quiet ? null : stdout,
    progress: stderr,
    log,
    close,
    open: (poller) => openDevice(options, poller),
    gone: () => life.end(ExitStatus.FAILURE),
  });
  if (options.user !== null) system.tellParent(parent); // another user may not send it a signal
  giveUpPower(options, [parent], stderr, log);
  if (options.exitWithParent) system.closeWithParent(parent, close);
  stderr.line(lines.started(Deno.pid));
  if (options.maxprocs !== null) stderr.line(lines.maxprocsIgnored());
  serving.ready();
  life.started();
  if (options.user === null) system.tellParent(parent);
}

/** Makes a guest, runs a command in it, and ends with the command's status. Rejects when the start fails. */
async function run(options: RunOptions, words: readonly string[], log: ProgramLog | null): Promise<void> {
  const parent = system.parentPid();
  const shell = words.length === 0;
  const command = shell ? [system.environmentVariable("SHELL") || "/bin/sh"] : words;
  const descriptorLimit = system.inheritedDescriptorLimit();
  const progress = options.verbose ? stderr : null;
  makeReady();
  if (options.maxprocs !== null) stderr.line(lines.maxprocsIgnored());
  const terminal = new system.Terminal();
  const exact = shell ? command : system.rawArguments(words);
  const guest = prepare(options, { command: exact, ownGroup: terminal.isLent, descriptorLimit });
  life.cleanups.push(() => guest.end());
  const close = () => life.end(CLOSED);
  const serving = await serve(options, {
    lines: options.quiet ? null : progress,
    progress,
    log,
    close,
    open: (poller) => attempt(ExitStatus.DEVICE, lines.guestFailed, () => new system.TunDevice(guest.device(poller))),
    gone: () => {
      const state = guest.pid === 0 ? null : guest.state(); // it takes the device with it
      life.end(state?.kind === "ended" ? state.status : ExitStatus.FAILURE);
    },
  });
  if (options.exitWithParent) system.closeWithParent(parent, close);
  progress?.line(lines.started(Deno.pid));
  serving.ready();
  life.cleanups.unshift(() => terminal.takeBack()); // when the guest has ended
  system.handSignalsOn(guest, terminal, shell);
  execute(guest, command[0]);
  if (terminal.isLent) terminal.lend(guest.pid);
  giveUpPower(options, [...guest.pids, OWN_GROUP], progress, log);
  life.started();
  const status = await system.follow(guest, terminal);
  log?.info("command ended", { status });
  life.end(status);
}

/** Leaves the terminal as it was, raises the descriptor limit, and makes output never wait for its reader. */
function makeReady(): void {
  system.restoreTerminal();
  system.raiseDescriptorLimit();
  const after = (delay: number, run: () => void) => setTimeout(run, delay);
  for (const [output, fd] of [[stdout, 1], [stderr, 2]] as const) {
    output.dontWait({ isReady: () => system.isWritable(fd), maxWrite: system.WRITABLE_BYTES, after });
  }
}

/** What differs between a guest that exists and one that is made for a command. */
interface Serving {
  /** Opens the device. Throws a {@linkcode StartFailed}. */
  open(poller: system.Polling): system.FrameDevice;
  /** Where lines about forwards and connections go; null: nowhere. */
  readonly lines: Output | null;
  /** Where lines about the program go; null: nowhere. */
  readonly progress: Output | null;
  readonly log: ProgramLog | null;
  /** Called when the device or the poller has failed: there will be no more frames. */
  gone(): void;
  /** Called when the program is asked to end. */
  close(): void;
}

/**
 * Opens the device and sets up the network. Resolves when that is done; frames are read once `ready` was called, which
 * also tells `-ready-fd`. Rejects with a {@linkcode StartFailed}.
 */
async function serve(options: SharedOptions, guest: Serving): Promise<{ ready(): void }> {
  const { cleanups } = life;
  const { readyFd, exitFd, pcap } = options;
  const gone = (device: string, error: Error) => {
    stderr.line(lines.noMoreFrames(device, error.message));
    guest.log?.error("no more frames", { device, reason: error.message });
    guest.gone();
  };
  for (const fd of [readyFd, exitFd]) {
    if (fd !== null) attempt(ExitStatus.FAILURE, lines.problem, () => system.takeInherited(fd));
  }
  const onError = (error: Error) => gone("the system", error);
  const waits = options.sockets === "libc" ? {} : { waitMicroseconds: 0 }; // the runtime's sockets can't end a wait
  const poller = attempt(ExitStatus.FAILURE, lines.pollerFailed, () => new system.Poller({ onError, ...waits }));
  const limit = system.raiseDescriptorLimit();
  const open = attempt(ExitStatus.FAILURE, lines.problem, () => system.openDescriptors(limit));
  const descriptors = new SpareDescriptors(limit - open);
  const metrics = options.metrics === null
    ? null
    : await startMetrics(options.metrics, guest.progress, descriptors.spare);
  if (metrics !== null) cleanups.push(() => metrics.close());
  const defer = (run: () => void) => poller.defer(run);
  if (exitFd !== null) {
    attempt(ExitStatus.FAILURE, lines.exitFdFailed, () => system.closeWithPeer(exitFd, poller, guest.close));
  }
  const device = guest.open(poller);
  cleanups.push(() => device.close());
  const { name, medium, mtu, checksumOffload, tcpSegmentation4, tcpSegmentation6 } = device;
  guest.log?.info("device open", { name, medium, mtu, checksumOffload, tcpSegmentation4, tcpSegmentation6 });
  const capture = pcap === null
    ? null
    : startCapture(pcap, { create: system.OutputFile.create, device, atRest: (run) => poller.atRest(run), stderr });
  if (capture !== null) cleanups.push(() => capture.close());

  const { allocate, readTextFile: read, openDescriptors } = system;
  const frames = new FramePool(allocate);
  const taker = await makeNetwork(options, {
    device,
    frames,
    allocate,
    defer,
    clock: () => poller.now(),
    capture,
    metrics,
    cleanups,
    lines: guest.lines,
    log: guest.log,
    ...hosts(options, poller, defer, descriptors.spare),
    descriptors,
    pings: (handler) => pingSockets(options, poller, handler, guest.progress),
    sourceTowards: system.sourceAddressTowards,
    process: { read, openDescriptors },
    reclaim: system.reclaimMemory,
    onRest: (rested) => poller.onRest(rested),
    outputs: { stdout, stderr },
    notices: options.quiet ? null : guest.progress,
  });
  cleanups.push(system.readFrames(device, poller, frames, taker, (error) => gone(device.name, error)));
  const ready = () => {
    poller.begin();
    if (readyFd !== null) system.tellReady(readyFd);
  };
  return { ready };
}

/**
 * Does what `-user` and `-sandbox` ask for. Called when everything is open, before the first frame is read. Throws a
 * {@linkcode StartFailed}.
 *
 * @param signals the processes that signals will be sent to later
 */
function giveUpPower(
  options: SharedOptions,
  signals: readonly number[],
  progress: Output | null,
  log: ProgramLog | null,
): void {
  const { user, sandbox, icmp, metrics } = options;
  const removable = metrics?.kind === "unix" ? dirname(metrics.path) : null;
  const wanted = { user, sandbox, signals, rawIcmp: icmp === "auto", removable };
  const missing = attempt(ExitStatus.FAILURE, lines.privilegesKept, () => system.confine(wanted));
  for (const text of missing) progress?.line(lines.sandboxIncomplete(text));
  if (user !== null || sandbox) log?.info("power given up", { sandbox, uid: user?.uid ?? null, missing });
}

/** Opens the device of a guest that exists. Throws a {@linkcode StartFailed}. */
function openDevice(options: Options, poller: system.Polling): system.FrameDevice {
  const { netns, interface: name, fd, mtu, offload, configure } = options;
  const network = configure ? guestNetwork(mtu || RUN_MTU) : null;
  if (fd !== null && netns !== null) throw new StartFailed(ExitStatus.FD_AND_NETNS, lines.fdAndNetns());
  if (fd === null && netns !== null) stderr.line(lines.joiningNetns(netns));
  if (fd === null) stderr.line(lines.openingInterface(name));
  return attempt(ExitStatus.DEVICE, lines.deviceFailed, () => {
    if (fd !== null) return system.openSocketDevice(fd, { mtu, poller });
    return system.openGuestDevice(netns, { interface: name, mtu, offload, network });
  });
}

/** Starts to make a guest for a command. Throws a {@linkcode StartFailed}. */
function prepare(
  options: RunOptions,
  command: Pick<system.GuestCommandRequest, "command" | "ownGroup" | "descriptorLimit">,
): system.GuestCommand {
  const { interface: name, mtu, offload, dns, dnsNames, keepUser: keepIds } = options;
  const servers = [DEFAULT_ADDRESSES.dns4, DEFAULT_ADDRESSES.dns6];
  return attempt(ExitStatus.DEVICE, lines.guestFailed, () =>
    system.GuestCommand.prepare({
      interface: name,
      mtu,
      offload,
      network: guestNetwork(mtu),
      keepIds,
      ...command,
      userNamespace: options.userNamespace || !system.mayMakeNamespaces(),
      resolvConf: dns ? guestResolvConf(system.readTextFileIfThere("/etc/resolv.conf"), servers, dnsNames) : null,
    }));
}

/** Starts the command. Throws a {@linkcode StartFailed}, with the status that shells use when a command can't run. */
function execute(guest: system.GuestCommand, name: string): void {
  try {
    guest.start();
  } catch (error) {
    if (error instanceof system.GuestError) throw new StartFailed(ExitStatus.DEVICE, lines.guestFailed(error.message));
    if (!(error instanceof system.SystemError)) throw error;
    const missing = error.errno === system.ENOENT || error.errno === system.ENOTDIR;
    const status = missing ? ExitStatus.NOT_FOUND : ExitStatus.NOT_EXECUTABLE;
    throw new StartFailed(status, lines.commandFailed(name, system.errnoText(error.errno)));
  }
}

/** The host's network: one for outgoing connections, with the source addresses asked for, and one for listeners. */
function hosts(options: SharedOptions, poller: system.Polling, defer: (run: () => void) => void, spare: () => boolean) {
  const { sourceIpv4: source4, sourceIpv6: source6 } = options;
  const sockets = { poller, defer, spare };
  return chooseHosts(options, () => ({
    host: new system.LibcHost({ ...sockets, source4, source6 }),
    listeners: new system.LibcHost(sockets),
  }));
}

/** The sockets that send the guest's pings. */
function pingSockets(options: SharedOptions, poller: system.Polling, handler: PingHandler, progress: Output | null) {
  return new system.PingSockets({
    open: system.echoSockets(poller),
    handler,
    now: () => performance.now(),
    source4: options.sourceIpv4,
    source6: options.sourceIpv6,
    maxWaiting: options.limits.pings,
    maxFlows: options.limits.pingIdentifiers,
    unavailable: (version, error) => progress?.line(lines.noPings(version, error.message)),
  });
}

// an executable has no other module to start the helper from
if (Deno.args[0] === system.HELPER_WORD) system.runHelper(Number(Deno.args[1]));
life.takeStrays(globalThis);
await life.live(() => main(Deno.args));
