/**
 * The helper: a second, short-lived instance of this program within the guest's user namespace.
 *
 * setns(2) and unshare(2) refuse to change the user namespace of a process with threads, and every JavaScript runtime
 * has threads. So `unshare` or `nsenter` of util-linux, which have none, change the namespace and then execute this
 * helper. It opens the device, sets the guest up, and hands the descriptor back. Its other changes, to mounts and
 * network, affect its one thread alone.
 *
 * For `run` it makes the namespaces of the network, of mounts and of processes itself. The first process of the pid
 * namespace, the init, is a `cat` that waits for the end of a pipe which only the program holds. If the program ends,
 * in whatever way, the init ends too, and the kernel kills everything in the namespace. Orphaned processes become
 * children of the init. It ignores SIGCHLD from its start on, so the kernel reaps them without zombies (wait(2),
 * NOTES).
 *
 * The command is started last. All these processes are children of the helper. When the helper ends they become
 * children of the program, which is a subreaper (child.ts). So signals, the exit status and the terminal pass between
 * the program and the command with nothing in between.
 *
 *     program ── unshare ═ helper            program ┬─ cat      (process 1 inside)
 *                            ├─ cat     →            ├─ sh       (file_keeper.ts)
 *                            ├─ sh                   └─ command
 *                            └─ command
 *
 * The helper is in the program's process group, and so is the command if both share the terminal. So signals from the
 * terminal reach the helper as well, perhaps when the command runs but has not been reported yet. The helper ignores
 * them.
 *
 * @module
 */
import { waitForEnd } from "../process/child.ts";
import { check, EINVAL, SystemError } from "../libc/errors.ts";
import { openRequested } from "./device_request.ts";
import { GO, type HelperReply, type HelperRequest, type HelperRun, type HelperStarted } from "./helper_protocol.ts";
import { receiveMessage, receiveParts, sendMessage } from "../process/fd_passing.ts";
import { coverDaemons } from "../mounts/guest_daemons.ts";
import { shadowEtc } from "../mounts/guest_etc.ts";
import { startKeeper } from "./file_keeper.ts";
import { showOwnInterfaces } from "../mounts/guest_sysfs.ts";
import { libc } from "../libc/libc.ts";
import { mount } from "../mounts/mounts.ts";
import { setDescriptorLimit } from "../process/process.ts";
import { spawn } from "../process/spawn.ts";
import { splitWords } from "../process/words.ts";
import { F_SETFD, FD_CLOEXEC, MS_REC, MS_SLAVE } from "../libc/constants/file.ts";
import {
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  SIG_IGN,
  SIGCHLD,
  SIGINT,
  SIGQUIT,
  SIGTSTP,
} from "../libc/constants/process.ts";

/** The helper's stdout, which is /dev/null, and stderr, which the program reads. */
const NOWHERE = 1, COMPLAINTS = 2;

/** The advice for a root whose mounts can't be changed. */
const NO_MOUNT_POINT = "this is a chroot whose folder is no mount point; before entering it: mount --bind DIR DIR; " +
  "or run this outside of it";

/**
 * Carries out the request, and ends the process.
 *
 * @param socket the helper's end of the socket to the program
 */
export function runHelper(socket: number): never {
  closeOnExec(socket);
  const ignored = ignoreTerminal();
  const request = receiveParts(socket);
  if (request === null) Deno.exit(1); // the program has ended
  const { run, ...asked }: HelperRequest = JSON.parse(new TextDecoder().decode(request));
  const words = run === null ? null : receiveParts(socket);
  let reply: HelperReply, fd: number | undefined;
  try {
    if (run !== null) enterNamespaces(run);
    const { fd: opened, ...tun } = openRequested(asked);
    const processes = run === null ? { init: 0, keeper: 0 } : setUpGuest(run);
    fd = opened;
    reply = { kind: "device", tun, ...processes };
  } catch (error) {
    reply = { kind: "failed", message: messageOf(error) };
  }
  sendMessage(socket, JSON.stringify(reply), fd);
  if (run !== null && words !== null && fd !== undefined && receiveMessage(socket)?.text === GO) {
    sendMessage(socket, JSON.stringify(start(run, splitWords(words), ignored)));
  }
  Deno.exit(0);
}

/** Makes the network and mount namespaces. Later mounts stay in the new one; later mounts of the host still arrive. */
function enterNamespaces({ stdio, lifeline, changes }: HelperRun): void {
  for (const fd of [...stdio, lifeline, changes]) closeOnExec(fd); // each belongs to a single process
  check(libc().unshare(CLONE_NEWNET | CLONE_NEWNS), "unshare(CLONE_NEWNET | CLONE_NEWNS)", "");
  try {
    mount("none", "/", null, MS_REC | MS_SLAVE);
  } catch (error) {
    if (!(error instanceof SystemError) || error.errno !== EINVAL) throw error;
    throw new SystemError("mount", EINVAL, "/", NO_MOUNT_POINT);
  }
}

/** Sets up the guest's files, and starts the init and the keeper. Returns their process ids. */
function setUpGuest({ resolvConf, changes, lifeline }: HelperRun): { readonly init: number; readonly keeper: number } {
  showOwnInterfaces();
  check(libc().unshare(CLONE_NEWPID), "unshare(CLONE_NEWPID)", "");
  const init = startInit(lifeline);
  coverDaemons();
  const keeper = resolvConf === null
    ? startKeeper(changes, null)
    : shadowEtc(resolvConf, (etc) => startKeeper(changes, etc));
  mountProc();
  for (const fd of [changes, lifeline]) libc().close(fd);
  return { init, keeper };
}

/** Starts the init. `cat` leaves an ignored signal ignored; a shell might not. */
function startInit(lifeline: number): number {
  const before = libc().signal(SIGCHLD, SIG_IGN);
  try {
    return spawn(["cat"], { stdio: [lifeline, NOWHERE, COMPLAINTS] });
  } finally {
    libc().signal(SIGCHLD, BigInt(Deno.UnsafePointer.value(before)));
  }
}

/** Mounts the /proc of the new pid namespace, from within it. If the system does not allow that, the old one stays. */
function mountProc(): void {
  const command = ["mount", "-t", "proc", "-o", "nosuid,nodev,noexec", "proc", "/proc"];
  try {
    waitForEnd(spawn(command, { stdio: [NOWHERE, NOWHERE, NOWHERE] }));
  } catch (error) {
    if (!(error instanceof SystemError)) throw error; // a SystemError: there is no mount(8), or it was reaped before
  }
}

/** Ignores the signals that a terminal sends. Returns those that were not ignored before. */
function ignoreTerminal(): readonly number[] {
  return [SIGINT, SIGQUIT, SIGTSTP].filter((signal) => libc().signal(signal, SIG_IGN) === null); // SIG_DFL
}

function start(
  { stdio, ownGroup, descriptorLimit }: HelperRun,
  command: readonly Uint8Array[],
  heeded: readonly number[],
): HelperStarted {
  try {
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
