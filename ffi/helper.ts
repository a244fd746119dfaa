/**
 * The helper: this program once more, for a moment, within the guest's user namespace.
 *
 * setns(2) and unshare(2) refuse to change the user namespace of a process with threads, as any that runs JavaScript has.
 * So `unshare` or `nsenter` of util-linux, which have none, go there and become this helper. It opens the device, sets
 * the guest up, and hands the descriptor back. All else that it changes is its one thread's own: mounts and network.
 *
 * For a command to be run it makes the namespaces itself: of the network, of mounts, and of processes. The first process
 * of the latter, the init, is a `cat` that waits for the end of a pipe which only the program holds: should the program
 * end in whatever way, the init does, and then the kernel ends everything in there. The command is the second process.
 * Both are children of the helper, and when that ends, of the program, which has asked for that (child.ts): so nothing
 * stands between the program and the command, neither with signals nor with the status nor with the terminal.
 *
 *     program ── unshare ═ helper            program ┬─ cat      (process 1 inside)
 *                            ├─ cat     →            └─ command  (process 2 or so)
 *                            └─ command
 *
 * It is in the program's process group, as is the command where both share the terminal. So what is typed there reaches
 * it as well, at a moment when the command may run already but has not been told of: the helper ignores it.
 *
 * @module
 */
import { check, SystemError } from "./errors.ts";
import { GO, type HelperReply, type HelperRequest, type HelperRun, type HelperStarted } from "./helper_protocol.ts";
import { pipe, receiveMessage, sendMessage } from "./fd_passing.ts";
import { coverResolvers, keepMountsHere, replaceResolvConf } from "./guest_files.ts";
import { setUpGuestNetwork } from "./guest_network.ts";
import { libc } from "./libc.ts";
import { setDescriptorLimit, SIGINT, SIGQUIT, SIGTSTP } from "./process.ts";
import { F_SETFD, FD_CLOEXEC } from "./socket_constants.ts";
import { spawn } from "./spawn.ts";
import { type OpenTun, openTun } from "./tun.ts";

// linux/sched.h
const CLONE_NEWNS = 0x0002_0000;
const CLONE_NEWPID = 0x2000_0000;
const CLONE_NEWNET = 0x4000_0000;
// asm-generic/signal-defs.h
const SIG_DFL = null;
const SIG_IGN = 1n;

/**
 * The init's script: it makes /proc that of its own namespace of processes (where the system allows it), says so, and
 * waits. Children of whom it knows nothing become its own when their parents end: without interest in them they leave
 * nothing behind.
 */
const INIT = `mount -t proc -o nosuid,nodev,noexec proc /proc 2>/dev/null; echo; trap '' CHLD; exec cat >/dev/null`;

/** Does what the request says, and ends the process. */
export function runHelper(request: string): never {
  const { socket, run, ...asked }: HelperRequest = JSON.parse(request);
  closeOnExec(socket);
  const ignored = ignoreTerminal();
  let reply: HelperReply, fd: number | undefined, init = 0;
  try {
    if (run !== null) enterNamespaces();
    const { fd: opened, ...tun } = openDevice(asked);
    if (run !== null) init = furnish(run);
    fd = opened;
    reply = { kind: "device", tun, init };
  } catch (error) {
    reply = { kind: "failed", message: messageOf(error) };
  }
  sendMessage(socket, JSON.stringify(reply), fd);
  if (run !== null && fd !== undefined && receiveMessage(socket)?.text === GO) {
    sendMessage(socket, JSON.stringify(start(run, ignored)));
  }
  Deno.exit(0);
}

function openDevice({ interface: name, mtu, offload, network, host }: Omit<HelperRequest, "socket" | "run">): OpenTun {
  return network === null ? openTun(name, { mtu, offload }) : setUpGuestNetwork(name, network, offload, host);
}

function enterNamespaces(): void {
  check(libc().unshare(CLONE_NEWNET | CLONE_NEWNS), "unshare(CLONE_NEWNET | CLONE_NEWNS)", "");
  keepMountsHere();
}

/** Sees to the files, and starts the init; returns its process id. */
function furnish(run: HelperRun): number {
  if (run.resolvConf !== null) replaceResolvConf(run.resolvConf);
  coverResolvers();
  check(libc().unshare(CLONE_NEWPID), "unshare(CLONE_NEWPID)", "");
  const [reads, writes] = pipe();
  const init = spawn(["sh", "-c", INIT], { stdio: [run.lifeline, writes, 2] });
  libc().close(writes);
  const ready = libc().readBuffer(reads, new Uint8Array(new ArrayBuffer(1)), 1n) === 1;
  libc().close(reads);
  libc().close(run.lifeline);
  if (!ready) throw new Error("the first process of the new namespace has ended");
  return init;
}

/** Ignores the signals that a terminal sends; returns those of them that were not ignored before. */
function ignoreTerminal(): readonly number[] {
  return [SIGINT, SIGQUIT, SIGTSTP].filter((signal) => libc().signal(signal, SIG_IGN) === SIG_DFL);
}

function start({ command, stdio, ownGroup, descriptorLimit }: HelperRun, heeded: readonly number[]): HelperStarted {
  try {
    for (const fd of stdio) closeOnExec(fd);
    setDescriptorLimit(descriptorLimit);
    return { kind: "started", pid: spawn(command, { stdio, ownGroup, heeded }) };
  } catch (error) {
    const reason = error instanceof SystemError ? error.errno : 0;
    return { kind: "failed", errno: reason, message: messageOf(error) };
  }
}

function closeOnExec(fd: number): void {
  check(libc().fcntl(fd, F_SETFD, FD_CLOEXEC), "fcntl(F_SETFD)", `fd ${fd}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
