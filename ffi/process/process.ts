/**
 * Questions to the kernel about this process, its parent and its limits.
 *
 * @module
 */
import { check, SystemError } from "../libc/errors.ts";
import { cString, libc } from "../libc/libc.ts";
import { readBytes, readTextFileIfThere } from "../libc/text_file.ts";
import type { Word } from "./spawn.ts";
import { splitWords } from "./words.ts";
import { F_GETFL, F_SETFL, O_NONBLOCK } from "../libc/constants/file.ts";
import { TCGETS } from "../libc/constants/ioctl.ts";
import { PR_SET_PDEATHSIG, RLIMIT_NOFILE } from "../libc/constants/process.ts";

/** Larger than any `struct termios` of asm-generic/termbits.h. */
const TERMIOS_SIZE = 64;

/** The process id of the parent. Once the parent has ended, it is 1 or that of a subreaper. */
export function parentPid(): number {
  return libc().getppid();
}

/**
 * Makes reads and writes on the terminal block again, for all processes that share it. The runtime wants non-blocking
 * ones, so it normally opens the terminal again for itself. If the user may not do that, as after `su`, it makes the
 * inherited descriptor non-blocking, and a command's read would fail with EAGAIN.
 */
export function restoreTerminal(): void {
  const c = libc();
  for (const fd of [0, 1, 2]) {
    const flags = c.fcntl(fd, F_GETFL, 0);
    if (flags < 0 || (flags & O_NONBLOCK) === 0) continue;
    if (c.ioctl(fd, TCGETS, new Uint8Array(new ArrayBuffer(TERMIOS_SIZE))) < 0) continue; // no terminal
    c.fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
  }
}

/** A variable of the environment, read without the permission that the runtime asks for; null if it is not set. */
export function environmentVariable(name: string): string | null {
  const value = libc().getenv(cString(name));
  return value === null ? null : Deno.UnsafePointerView.getCString(value);
}

/**
 * The last words of this program's command line as raw bytes. The runtime's own list replaces bytes that are not UTF-8.
 *
 * @param words the words as the runtime has them, which are used if the kernel's list is not available
 */
export function rawArguments(words: readonly string[]): readonly Uint8Array<ArrayBuffer>[] {
  const all = splitWords(commandLine());
  const found = words.length === 0 ? [] : all.slice(-words.length);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const same = found.length === words.length && found.every((bytes, i) => decoder.decode(bytes) === words[i]);
  return same ? found : words.map((word) => new TextEncoder().encode(word));
}

/** This process's executable file. */
const OWN_FILE = "/proc/self/exe";

/** The mode of access(2) that asks for the right to execute (unistd.h). */
const X_OK = 1;

/**
 * The command that starts this program once more: as this process was started, without its last words.
 *
 * @param words the number of words that are the program's own arguments
 */
export function ownCommand(words: number): Word[] {
  const all = splitWords(commandLine());
  const path = linkTarget(OWN_FILE);
  // the link itself leads to the file where its path doesn't: in a folder that is closed to this user, or removed
  return [libc().access(cString(path), X_OK) === 0 ? path : OWN_FILE, ...all.slice(1, all.length - words)];
}

function commandLine(): Uint8Array<ArrayBuffer> {
  try {
    return readBytes("/proc/self/cmdline");
  } catch (error) {
    if (error instanceof SystemError) return new Uint8Array(0); // there is no /proc
    throw error;
  }
}

/** The target of a symbolic link; for links of /proc, the name of the object behind it. Throws a SystemError. */
export function linkTarget(path: string): string {
  const target = new Uint8Array(new ArrayBuffer(4096));
  const length = check(libc().readlink(cString(path), target, BigInt(target.length)), "readlink", path);
  return new TextDecoder().decode(target.subarray(0, length));
}

/** Sends a signal (0: only checks that one could be sent). Throws a SystemError if that is impossible. */
export function sendSignal(pid: number, signal: number): void {
  check(libc().kill(pid, signal), "kill", `process ${pid}`);
}

/** Raises the soft limit of open descriptors to the hard limit, and returns it. */
export function raiseDescriptorLimit(): number {
  const limit = new BigUint64Array(new ArrayBuffer(16)); // struct rlimit: the limit in force, and its own limit
  check(libc().getrlimit(RLIMIT_NOFILE, limit), "getrlimit(RLIMIT_NOFILE)", "");
  if (limit[0] < limit[1]) {
    limit[0] = limit[1];
    check(libc().setrlimit(RLIMIT_NOFILE, limit), "setrlimit(RLIMIT_NOFILE)", String(limit[0]));
  }
  return Number(limit[0]);
}

/** Sets the soft limit of open descriptors, if it is below the hard limit. Throws a SystemError. */
export function setDescriptorLimit(soft: number): void {
  const limit = new BigUint64Array(new ArrayBuffer(16));
  check(libc().getrlimit(RLIMIT_NOFILE, limit), "getrlimit(RLIMIT_NOFILE)", "");
  if (BigInt(soft) < limit[1]) limit[0] = BigInt(soft);
  check(libc().setrlimit(RLIMIT_NOFILE, limit), "setrlimit(RLIMIT_NOFILE)", String(soft));
}

/**
 * The soft limit of open descriptors that this program was started with. Called before {@linkcode
 * raiseDescriptorLimit}. Throws a SystemError.
 *
 * For a compiled executable it is the present limit. `deno` raises its own limit at its start, and the kernel does not
 * keep the old one. Then it is the limit of the nearest ancestor that is no `deno`, such as the shell that started
 * `deno task`; a limit that the ancestor set for its child alone can't be known.
 */
export function inheritedDescriptorLimit(): number {
  const limit = new BigUint64Array(new ArrayBuffer(16)); // struct rlimit
  check(libc().getrlimit(RLIMIT_NOFILE, limit), "getrlimit(RLIMIT_NOFILE)", "");
  const [soft, hard] = [Number(limit[0]), Number(limit[1])];
  if (Deno.build.standalone || soft < hard) return soft;
  const ancestor = ancestorOutsideOfRuntime();
  const found = /^Max open files\s+(\d+)/m.exec(readTextFileIfThere(`/proc/${ancestor}/limits`))?.[1];
  return found === undefined ? soft : Math.min(Number(found), hard);
}

/** The nearest ancestor that runs another program than this process does; 0: none is visible. */
function ancestorOutsideOfRuntime(): number {
  const own = linkTarget("/proc/self/exe");
  let pid = parentPid();
  while (pid > 0 && programOf(pid) === own) {
    pid = Number(/^PPid:\s+(\d+)/m.exec(readTextFileIfThere(`/proc/${pid}/status`))?.[1] ?? 0);
  }
  return pid;
}

/** The path of a process's program; empty if this user may not know it. */
function programOf(pid: number): string {
  try {
    return linkTarget(`/proc/${pid}/exe`);
  } catch (error) {
    if (error instanceof SystemError) return "";
    throw error;
  }
}

/**
 * Makes the kernel send this process a signal when its parent ends (prctl(2), PR_SET_PDEATHSIG). To be exact, the
 * signal comes when the thread that started this process ends, and again for each thread that takes its place.
 * {@linkcode parentPid} shows whether that was the last.
 *
 * @param parent the parent's process id when the program started
 * @returns false if that parent has ended already, so that no signal will come
 */
export function signalWhenParentEnds(signal: number, parent: number): boolean {
  check(libc().prctl(PR_SET_PDEATHSIG, BigInt(signal), 0n, 0n, 0n), "prctl(PR_SET_PDEATHSIG)", `signal ${signal}`);
  return parentPid() === parent;
}
