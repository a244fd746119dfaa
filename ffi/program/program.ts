/**
 * The program once its command line is read: it wires its parts together, serves a guest, and ends the process. `ffi/`
 * reads and writes the guest's frames, `stack/` turns them into connections and datagrams, and `forward/` takes these
 * to the host's network as far as the policy allows.
 *
 *     start            the program log, then one of these:
 *       attach         serve a guest that exists, until a signal or the end of its device
 *       run            make a guest, run a command in it, and end with the command's status
 *       standIn        serve a guest that exists, as slirp4netns and pasta do
 *     makeReady        the terminal, the descriptor limit, output that does not block
 *     serve            the poller, the device, the capture, the metrics and the network, wired together
 *
 * The other files of this folder hold the steps of that. What only some starts need is imported where it is used,
 * because loading a module takes time: 15 µs for each KiB of its code.
 *
 * @module
 */
import * as system from "../mod.ts";
import { openAudit, openLearned } from "./records.ts";
import { openDevice } from "./device.ts";
import { hosts, pingSockets } from "./sockets.ts";
import type { Life } from "../../forward/cli/life.ts";
import * as lines from "../../forward/report/contract_lines.ts";
import { makeNetwork } from "../../forward/network.ts";
import { SpareDescriptors } from "../../forward/limits/spare_descriptors.ts";
import type { Command } from "../../forward/cli/command_line.ts";
import type { Options, RunOptions, SharedOptions } from "../../forward/cli/flags/options.ts";
import type { Output } from "../../forward/report/output.ts";
import type { ProgramLog } from "../../forward/log/program_log.ts";
import { startLog } from "../../forward/log/start.ts";
import { attempt, messageOf, StartFailed } from "../../forward/report/start_failed.ts";
import { FramePool } from "../../stack/base/device.ts";

const { ExitStatus } = lines;

/** The status when the program was asked to end while a command runs: as if SIGTERM had ended the command. */
const CLOSED = 128 + system.SIGTERM;

/** As a target of kill(2): all processes of the caller's group. */
const OWN_GROUP = 0;

/** The options of a {@linkcode Program}. */
export interface ProgramParts {
  readonly version: string;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly life: Life;
}

/** The program once its command line is read: attaches to a guest, or runs a command in one. */
export class Program {
  private readonly version: string;
  private readonly stdout: Output;
  private readonly stderr: Output;
  private readonly life: Life;

  constructor({ version, stdout, stderr, life }: ProgramParts) {
    this.version = version;
    this.stdout = stdout;
    this.stderr = stderr;
    this.life = life;
  }

  /** Starts the program log, and carries out the command. Rejects if the start fails. */
  async start(command: Exclude<Command, { kind: "end" | "background" }>): Promise<void> {
    const { version, stderr, life } = this;
    const { kind, flags } = command;
    const log = await startLog(command.options, { append: system.OutputFile.append, stderr });
    log?.info("starting", { version, deno: Deno.version.deno, pid: Deno.pid, kind, flags });
    life.cleanups.push(() => log?.info("ending"));
    try {
      if (command.kind === "run") await this.run(command.options, command.words, log);
      else if (command.kind === "attach") await this.attach(command.options, log);
      else if (command.kind === "slirp4netns") {
        await this.standIn(command.options, () => this.stdout.text(command.banner));
      } else await this.standInForPasta(command);
    } catch (error) {
      log?.error("start failed", { reason: messageOf(error) });
      throw error;
    }
  }

  /** Serves a guest that exists, until a signal or the end of its device. Rejects when the start fails. */
  private async attach(options: Options, log: ProgramLog | null): Promise<void> {
    const parent = system.parentPid();
    const close = () => {
      this.stderr.line(lines.closing(Deno.pid));
      this.life.end(ExitStatus.OK);
    };
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, close);
    this.makeReady();
    const power = await powerFor(options);
    const serving = await this.serve(options, {
      lines: options.quiet ? null : this.stdout,
      progress: this.stderr,
      farewell: null,
      log,
      close,
      open: (poller) => openDevice(options, poller, this.stderr),
      gone: () => this.life.end(ExitStatus.FAILURE),
    });
    if (options.user !== null) system.tellParent(parent); // another user may not send it a signal
    power?.giveUpPower(options, [parent], this.stderr, log);
    if (options.exitWithParent) system.closeWithParent(parent, close);
    this.stderr.line(lines.started(Deno.pid));
    if (options.maxprocs !== null) this.stderr.line(lines.maxprocsIgnored());
    serving.ready();
    this.life.started();
    if (options.user === null) system.tellParent(parent);
  }

  /**
   * Serves an existing guest in place of another program. It prints no line of its own, and a signal ends it as it ends
   * a program without handlers. Rejects when the start fails, which has one status.
   *
   * @param served called when the guest is served, before `-ready-fd` tells it
   * @param listening reads what listens in the guest
   */
  private async standIn(
    options: Options,
    served: (poller: system.Polling) => void,
    listening: Serving["listening"] = null,
  ): Promise<void> {
    this.makeReady();
    const power = await powerFor(options);
    let polling: system.Polling | null = null;
    try {
      const serving = await this.serve(options, {
        lines: null,
        progress: null,
        farewell: null,
        log: null,
        close: () => this.life.end(ExitStatus.OK),
        open: (poller) => {
          polling = poller;
          return openDevice(options, poller, null);
        },
        listening,
        gone: () => this.life.end(ExitStatus.FAILURE),
      });
      power?.giveUpPower(options, [], null, null);
      if (polling !== null) served(polling);
      serving.ready();
      this.life.started();
    } catch (error) {
      throw error instanceof StartFailed ? new StartFailed(ExitStatus.FAILURE, error.message, { cause: error }) : error;
    }
  }

  /** Serves a guest in place of pasta. A signal, or the removal of the guest's namespace, ends it with status 0. */
  private async standInForPasta({ options, endsWith, pidFile }: Command & { kind: "pasta" }): Promise<void> {
    const close = () => this.life.end(ExitStatus.OK);
    for (const signal of ["SIGINT", "SIGTERM", "SIGQUIT"] as const) Deno.addSignalListener(signal, close);
    const { closeWithPath, writePidFile } = await import("../process/daemon.ts");
    await this.standIn(options, (poller) => {
      if (pidFile !== null) attempt(ExitStatus.FAILURE, lines.problem, () => writePidFile(pidFile));
      if (endsWith !== null) this.life.cleanups.push(closeWithPath(endsWith, poller, close));
    }, await this.listeningIn(options));
  }

  /** Reads what listens in the guest, if that is to be followed. Rejects with a {@linkcode StartFailed}. */
  private async listeningIn({ netns, manner: { follow = [] } }: Options): Promise<Serving["listening"]> {
    if (netns === null || follow.length === 0) return null;
    const { PortFiles } = await import("../guest/port_files.ts");
    const files = attempt(ExitStatus.FAILURE, lines.problem, () => PortFiles.open(netns));
    return (network, version) => files.read(network, version);
  }

  /** Makes a guest, runs a command in it, and ends with the command's status. Rejects when the start fails. */
  private async run(options: RunOptions, words: readonly string[], log: ProgramLog | null): Promise<void> {
    const parent = system.parentPid();
    const commands = await import("./command.ts");
    const power = await powerFor(options);
    const shell = words.length === 0;
    const command = shell ? [system.environmentVariable("SHELL") || "/bin/sh"] : words;
    const descriptorLimit = system.inheritedDescriptorLimit();
    const progress = options.verbose ? this.stderr : null;
    this.makeReady();
    if (options.maxprocs !== null) this.stderr.line(lines.maxprocsIgnored());
    const terminal = new commands.Terminal();
    const exact = shell ? command : system.rawArguments(words);
    const guest = commands.prepare(options, { command: exact, ownGroup: terminal.isLent, descriptorLimit });
    this.life.cleanups.push(() => guest.end());
    const close = () => this.life.end(CLOSED);
    const serving = await this.serve(options, {
      lines: options.quiet ? null : progress,
      progress,
      farewell: options.quiet ? null : this.stderr,
      log,
      close,
      open: (poller) => attempt(ExitStatus.DEVICE, lines.guestFailed, () => new system.TunDevice(guest.device(poller))),
      gone: () => {
        const state = guest.pid === 0 ? null : guest.state(); // it takes the device with it
        this.life.end(state?.kind === "ended" ? state.status : ExitStatus.FAILURE);
      },
    });
    if (options.exitWithParent) system.closeWithParent(parent, close);
    progress?.line(lines.started(Deno.pid));
    serving.ready();
    this.life.cleanups.unshift(() => terminal.takeBack()); // when the guest has ended
    commands.passSignalsOn(guest, terminal, { shell, hangup: options.policy === null });
    commands.execute(guest, command[0]);
    if (terminal.isLent) terminal.lend(guest.pid);
    power?.giveUpPower(options, [...guest.pids, OWN_GROUP], progress, log);
    this.life.started();
    const status = await commands.follow(guest, terminal);
    log?.info("command ended", { status });
    this.life.end(status);
  }

  /** Leaves the terminal as it was, raises the descriptor limit, and makes output never wait for its reader. */
  private makeReady(): void {
    system.restoreTerminal();
    system.raiseDescriptorLimit();
    const after = (delay: number, run: () => void) => setTimeout(run, delay);
    for (const [output, fd] of [[this.stdout, 1], [this.stderr, 2]] as const) {
      output.dontWait({ isReady: () => system.isWritable(fd), maxWrite: system.WRITABLE_BYTES, after });
    }
  }

  /**
   * Opens the device and sets up the network. Resolves when that is done; frames are read once `ready` was called,
   * which also tells `-ready-fd`. Rejects with a {@linkcode StartFailed}.
   */
  private async serve(options: SharedOptions, guest: Serving): Promise<{ ready(): void }> {
    const { stdout, stderr, life: { cleanups } } = this;
    const { readyFd, exitFd, pcap, auditFd } = options;
    const gone = (device: string, error: Error) => {
      stderr.line(lines.noMoreFrames(device, error.message));
      guest.log?.error("no more frames", { device, reason: error.message });
      guest.gone();
    };
    for (const fd of [readyFd, exitFd, auditFd]) {
      if (fd !== null) attempt(ExitStatus.FAILURE, lines.problem, () => system.takeInherited(fd));
    }
    const onError = (error: Error) => gone("the system", error);
    const waits = options.sockets === "libc" ? {} : { waitMicroseconds: 0 }; // the runtime's sockets can't end a wait
    const poller = attempt(ExitStatus.FAILURE, lines.pollerFailed, () => new system.Poller({ onError, ...waits }));
    const limit = system.raiseDescriptorLimit();
    const open = attempt(ExitStatus.FAILURE, lines.problem, () => system.openDescriptors(limit));
    const descriptors = new SpareDescriptors(limit - open);
    const metrics = options.metrics === null ? null : await (await import("../../forward/metrics/start.ts"))
      .startMetrics(options.metrics, guest.progress, descriptors.spare);
    if (metrics !== null) cleanups.push(() => metrics.close());
    const defer = (run: () => void) => poller.defer(run);
    if (exitFd !== null) {
      attempt(ExitStatus.FAILURE, lines.exitFdFailed, () => system.closeWithPeer(exitFd, poller, guest.close));
    }
    const device = await guest.open(poller);
    cleanups.push(() => device.close());
    const { name, medium, mtu, checksumOffload, tcpSegmentation4, tcpSegmentation6 } = device;
    guest.log?.info("device open", { name, medium, mtu, checksumOffload, tcpSegmentation4, tcpSegmentation6 });
    const capture = pcap === null ? null : (await import("../../forward/capture/start.ts"))
      .startCapture(pcap, { create: system.OutputFile.create, device, atRest: (run) => poller.atRest(run), stderr });
    if (capture !== null) cleanups.push(() => capture.close());

    const audit = openAudit(options), learn = openLearned(options);
    const { allocate, readTextFile: read, openDescriptors } = system;
    const frames = new FramePool(allocate);
    const taker = await makeNetwork(options, {
      version: this.version,
      device,
      frames,
      allocate,
      defer,
      clock: () => poller.now(),
      capture,
      audit,
      learn,
      metrics,
      cleanups,
      lines: guest.lines,
      log: guest.log,
      ...await hosts(options, poller, defer, descriptors.spare),
      descriptors,
      pings: (handler) => pingSockets(options, poller, handler, guest.progress),
      sourceTowards: system.sourceAddressTowards,
      listening: guest.listening ?? null,
      process: { read, openDescriptors },
      reclaim: system.reclaimMemory,
      onRest: (rested) => poller.onRest(rested),
      outputs: { stdout, stderr },
      notices: options.quiet ? null : guest.progress,
      farewell: guest.farewell,
      onReload: (reload) => Deno.addSignalListener("SIGHUP", reload),
    });
    cleanups.push(system.readFrames(device, poller, frames, taker, (error) => gone(device.name, error)));
    const ready = () => {
      poller.begin();
      if (readyFd !== null) system.tellReady(readyFd);
    };
    return { ready };
  }
}

/** The differences between an existing guest and one that is made for a command. */
interface Serving {
  /** Opens the device. Throws or rejects with a {@linkcode StartFailed}. */
  open(poller: system.Polling): Promise<system.FrameDevice> | system.FrameDevice;
  /** The output for lines about forwards and connections; null: none. */
  readonly lines: Output | null;
  /** The output for lines about the program; null: none. */
  readonly progress: Output | null;
  /** The output for the list of refusals at the end; null: none. */
  readonly farewell: Output | null;
  readonly log: ProgramLog | null;
  /** The text of the guest's /proc/net/tcp, tcp6, udp or udp6; null or not given: nothing of it is followed. */
  readonly listening?: ((network: "tcp" | "udp", version: 4 | 6) => string) | null;
  /** Called when the device or the poller has failed: there will be no more frames. */
  gone(): void;
  /** Called when the program is asked to end. */
  close(): void;
}

/** The module for `-user` and `-sandbox`; null: neither is given. */
async function powerFor({ user, sandbox }: SharedOptions): Promise<typeof import("./power.ts") | null> {
  return user === null && !sandbox ? null : await import("./power.ts");
}
