/**
 * The program's side of its helper (helper.ts). It starts the helper in the guest's user namespace, or in a new one,
 * and takes the device that the helper opens. For `run`, it also has the command started, and in the end it kills
 * everything that is left in the guest.
 *
 * @module
 */
import { adoptOrphans, type ChildState, childState, waitForEnd } from "../process/child.ts";
import { ECHILD, ENOENT, ESRCH, SystemError } from "../libc/errors.ts";
import { messageSockets, pipe, receiveMessage, sendMessage, sendParts } from "../process/fd_passing.ts";
import type { GuestDeviceRequest } from "./device_request.ts";
import { HostChanges } from "./host_file_watch.ts";
import { GO, HELPER_WORD, type HelperReply, type HelperRequest, type HelperStarted } from "./helper_protocol.ts";
import { cString, errno, libc } from "../libc/libc.ts";
import { ownNetworkNamespace } from "../network/netns.ts";
import { linkTarget } from "../process/process.ts";
import type { Polling } from "../poll/poller.ts";
import { spawn, type Word } from "../process/spawn.ts";
import { readTextFile } from "../libc/text_file.ts";
import type { OpenTun } from "../device/open_tun.ts";
import { refusalAdvice } from "./userns_advice.ts";
import { joinWords } from "../process/words.ts";
import { F_DUPFD, F_SETFL, O_CLOEXEC, O_NONBLOCK, O_RDWR } from "../libc/constants/file.ts";
import { CAP_SYS_ADMIN, SIGKILL } from "../libc/constants/process.ts";

/** The helper failed. The message says why, and what can be done about it. */
export class GuestError extends Error {
  override name = "GuestError";
}

/** A command, and the namespaces that it runs in. */
export interface GuestCommandRequest extends GuestDeviceRequest {
  readonly command: readonly Word[];
  /** The guest gets a user namespace of its own, in which the user is root. */
  readonly userNamespace: boolean;
  /** In that user namespace, the command nevertheless has the user's own ids and no privileges. */
  readonly keepIds: boolean;
  /** The command gets a process group of its own, as job_control.ts explains. */
  readonly ownGroup: boolean;
  /** The content for /etc/resolv.conf; null: leave it as it is. */
  readonly resolvConf: string | null;
  /** The command's soft limit of descriptors. */
  readonly descriptorLimit: number;
}

/** The paths of a guest's namespaces. */
export interface GuestNamespaces {
  /** The user namespace that owns the network namespace; null: this process's own privileges are enough. */
  readonly user: string | null;
  readonly network: string;
}

/** Whether this process may make namespaces without making a user namespace. */
export function mayMakeNamespaces(): boolean {
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(readTextFile("/proc/self/status"))?.[1] ?? "0";
  return libc().geteuid() === 0 && (BigInt(`0x${capabilities}`) >> BigInt(CAP_SYS_ADMIN) & 1n) === 1n;
}

/**
 * Opens a device in namespaces that this process can't enter, because it has threads. Throws a GuestError.
 *
 * The helper needs the privileges of the user namespace's root. That is the user itself or, if the user was given more
 * ids (subuid(5)), another id that the helper has to change to first.
 */
export function openDeviceWithin(namespaces: GuestNamespaces, request: GuestDeviceRequest): OpenTun {
  const { user, network } = namespaces;
  const enter = ["nsenter", ...(user === null ? [] : [`--user=${user}`]), `--net=${network}`];
  const open = (...more: readonly string[]) => {
    const helper = new Helper([...enter, ...more, "--"], { ...request, run: null });
    try {
      return helper.device().tun;
    } finally {
      helper.close();
    }
  };
  try {
    return open("--preserve-credentials");
  } catch (error) {
    if (!(error instanceof GuestError) || !error.message.includes("EPERM")) throw error;
    try {
      return open();
    } catch {
      throw error;
    }
  }
}

/** A command in namespaces of its own. */
export class GuestCommand {
  private init = 0;
  private keeper = 0;
  /** The command's process id; 0 before it runs. */
  pid = 0;

  private constructor(
    private readonly helper: Helper,
    private readonly lifeline: number,
    private readonly changes: HostChanges,
  ) {}

  /** Starts the helper, which makes the namespaces but does not start the command yet. Throws a GuestError. */
  static prepare(request: Omit<GuestCommandRequest, "host" | "makeTap">): GuestCommand {
    const { userNamespace, keepIds, command, ownGroup, resolvConf, descriptorLimit, ...asked } = request;
    const device = { ...asked, makeTap: true, host: ownNetworkNamespace() };
    adoptOrphans();
    const [reads, writes] = pipe();
    const hostChanges = new HostChanges();
    const inherited = [reads, hostChanges.changes, 0, 1, 2].map(inheritable);
    const [lifeline, changes, ...stdio] = inherited;
    try {
      const run = {
        stdio: [stdio[0], stdio[1], stdio[2]] as const,
        lifeline: lifeline!,
        changes: changes!,
        ownGroup,
        descriptorLimit,
        resolvConf,
      };
      const enter = userNamespace ? ["unshare", "--user", "--map-root-user", "--"] : [];
      const words = userNamespace && keepIds ? withOwnIds(command) : command;
      return new GuestCommand(new Helper(enter, { ...device, run }, words), writes, hostChanges);
    } catch (error) {
      libc().close(writes);
      hostChanges.close();
      throw error;
    } finally {
      for (const fd of [reads, ...inherited]) libc().close(fd);
      hostChanges.closeKeeperEnd();
    }
  }

  /**
   * Blocks the whole program until the helper has opened the device. Throws a GuestError.
   *
   * @param poller watches the host's files from then on, whose changes are repeated in the guest
   */
  device(poller: Polling): OpenTun {
    const { tun, init, keeper } = this.helper.device();
    this.init = init;
    this.keeper = keeper;
    this.changes.begin(poller);
    return tun;
  }

  /** Starts the command. Throws a SystemError if it can't be executed, and a GuestError for any other reason. */
  start(): void {
    const started = this.helper.startCommand();
    if (started.kind === "failed") {
      if (started.errno !== 0) throw new SystemError("execve", started.errno, "");
      throw new GuestError(started.message);
    }
    this.pid = started.pid;
    this.helper.close(); // from now on the init and the command are children of this process
  }

  /** The processes of a running guest that may be sent signals, and the command's process group (negative). */
  get pids(): readonly number[] {
    return [this.init, this.pid, -this.pid];
  }

  /** The command's state. A stop is reported once. */
  state(): ChildState {
    return childState(this.pid);
  }

  /** Sends the command a signal, if it still runs. */
  signal(signal: number): void {
    if (this.pid > 0) libc().kill(this.pid, signal);
  }

  /** Sends the command's process group a signal. The command must be the group's leader. */
  signalGroup(signal: number): void {
    if (this.pid > 0) libc().kill(-this.pid, signal);
  }

  /** Kills everything that runs in the namespaces, and waits for the end, with which the namespaces disappear. */
  end(): void {
    libc().close(this.lifeline);
    this.changes.close();
    if (this.init > 0) libc().kill(this.init, SIGKILL);
    this.helper.close();
    // in this order: the init ends only after all others, and the others end only when they have been waited for
    for (const pid of [this.pid, this.keeper, this.init]) if (pid > 0) reap(pid);
    this.init = this.pid = this.keeper = 0;
  }
}

/** The helper as a process, and the socket to it. */
class Helper {
  private readonly socket: number;
  private readonly complaints: number;
  private readonly pid: number;
  private open = true;

  /**
   * @param enter the command that enters or makes the user namespace
   * @param words the words of the command to run
   */
  constructor(enter: readonly string[], request: HelperRequest, words: readonly Word[] = []) {
    const c = libc();
    const [ours, theirs] = messageSockets();
    const [complaints, complain] = pipe();
    const socket = inheritable(theirs);
    const nothing = c.open(cString("/dev/null"), O_RDWR | O_CLOEXEC, 0);
    this.socket = ours;
    this.complaints = complaints;
    try {
      const command = [...enter, ...helperCommand(), String(socket)];
      this.pid = spawn(command, { stdio: [nothing, nothing, complain] });
    } catch (error) {
      for (const fd of [ours, complaints]) c.close(fd);
      throw new GuestError(spawnMessage(error, enter[0]), { cause: error });
    } finally {
      for (const fd of [theirs, socket, complain, nothing]) c.close(fd);
    }
    this.send(request, words); // if the helper has ended, reading its answer shows it
  }

  private send(request: HelperRequest, words: readonly Word[]): void {
    const encoder = new TextEncoder();
    const encoded = words.map((word) => typeof word === "string" ? encoder.encode(word) : word);
    const sent = sendParts(this.socket, encoder.encode(JSON.stringify(request)));
    if (sent && request.run !== null) sendParts(this.socket, joinWords(encoded));
  }

  /** Waits for the device. */
  device(): { readonly tun: OpenTun; readonly init: number; readonly keeper: number } {
    const received = receiveMessage(this.socket);
    if (received === null) {
      const said = this.lastWords();
      throw new GuestError(`${said}${refusalAdvice(readTextFile)}`);
    }
    const reply: HelperReply = JSON.parse(received.text);
    if (reply.kind === "failed") {
      throw new GuestError(`${reply.message}${/EPERM|ENOSPC/.test(reply.message) ? refusalAdvice(readTextFile) : ""}`);
    }
    return { tun: { ...reply.tun, fd: received.fd }, init: reply.init, keeper: reply.keeper };
  }

  /** Has the command started. */
  startCommand(): HelperStarted {
    const received = sendMessage(this.socket, GO) ? receiveMessage(this.socket) : null;
    if (received === null) throw new GuestError(this.lastWords());
    return JSON.parse(received.text);
  }

  /** Waits for the helper's end. */
  close(): void {
    if (!this.open) return;
    this.open = false;
    libc().close(this.socket);
    libc().close(this.complaints);
    reap(this.pid);
  }

  /** The last words of the helper, or of `unshare` or `nsenter` before it became the helper. */
  private lastWords(): string {
    const status = reap(this.pid);
    // the init has the other end as well, so that a read could block
    libc().fcntl(this.complaints, F_SETFL, O_NONBLOCK);
    const bytes = new Uint8Array(new ArrayBuffer(4096));
    const length = Math.max(0, libc().readBuffer(this.complaints, bytes, BigInt(bytes.length)));
    const text = new TextDecoder().decode(bytes.subarray(0, length)).trim();
    return text === "" ? `the helper has ended with status ${status}` : text;
  }
}

/** The command that starts this program as the helper. */
function helperCommand(): string[] {
  const executable = linkTarget("/proc/self/exe");
  if (Deno.build.standalone) return [executable, HELPER_WORD];
  const module = decodeURIComponent(new URL("./helper_main.ts", import.meta.url).pathname);
  return [executable, "run", "--no-prompt", "--no-config", "--allow-all", module];
}

/**
 * The command that runs `command` with the user's own ids, in one more user namespace. `unshare` becomes the command.
 */
function withOwnIds(command: readonly Word[]): Word[] {
  const c = libc();
  return ["unshare", "--user", `--map-user=${c.geteuid()}`, `--map-group=${c.getegid()}`, "--", ...command];
}

/** A copy of the descriptor that children inherit. */
function inheritable(fd: number): number {
  const copy = libc().fcntl(fd, F_DUPFD, 3);
  if (copy < 0) throw new SystemError("fcntl(F_DUPFD)", errno(), `fd ${fd}`);
  return copy;
}

/** Waits for the end of a child. Returns its status, or 0 if it has been waited for before. */
function reap(pid: number): number {
  try {
    return waitForEnd(pid);
  } catch (error) {
    if (error instanceof SystemError && (error.errno === ECHILD || error.errno === ESRCH)) return 0;
    throw error;
  }
}

function spawnMessage(error: unknown, program: string | undefined): string {
  if (error instanceof SystemError && error.errno === ENOENT && program !== undefined) {
    return `${program} is not there: install util-linux, or run this as root`;
  }
  return error instanceof Error ? error.message : String(error);
}
