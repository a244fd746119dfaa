/**
 * Giving up what a program that serves does not need any more: `-user` and `-sandbox`.
 *
 * | | by `-user` | by `-sandbox` |
 * | --- | --- | --- |
 * | user, groups | another's, in all threads | |
 * | capabilities | none, in all threads (if it was root) | two at most in the program's thread; elsewhere the filter leaves few uses |
 * | no_new_privs | in all threads | in all threads |
 * | system calls | | a list, in all threads: seccomp_policy.ts |
 * | files of others | what that user may read | what everybody may read, in the program's thread and its new ones |
 * | files | | a list, in the program's thread and its new ones; in all from Linux 7.0 on: landlock.ts |
 *
 * When to call it: when everything is open that wants privileges (the device, listeners, the capture), children are
 * started, and nothing of the guest's was read yet. There is no way back, and what is done before an error stays done:
 * the process ends then.
 *
 * @module
 */
import { libc } from "../libc/libc.ts";
import { becomeUser, limitCapabilities, openFilesAsNobody, setNoNewPrivileges } from "./credentials.ts";
import { FileRules } from "./landlock.ts";
import { filterSystemCalls, shareNoNewPrivileges } from "./seccomp.ts";
import type { Identity } from "./users.ts";
import { CAP_NET_ADMIN, CAP_NET_RAW } from "../libc/constants/process.ts";

/** The privileges to give up, and those still needed. */
export interface Confinement {
  /** The user to become; null: stay the same user. */
  readonly user: Identity | null;
  /** Whether system calls and files are restricted. */
  readonly sandbox: boolean;
  /** Processes besides itself that will be sent signals. */
  readonly signals: readonly number[];
  /** Whether pings may need raw sockets. */
  readonly rawIcmp: boolean;
  /** A folder in which files will be removed: that of a Unix socket; null: none. */
  readonly removable: string | null;
}

/**
 * Does it, synchronously.
 *
 * @returns what could not be had on this kernel, a sentence each
 * @throws SystemError or Error: not all of it could be done
 */
export function confine({ user, sandbox, signals, rawIcmp, removable }: Confinement): readonly string[] {
  if (user === null && !sandbox) return [];
  const files = sandbox ? fileRules(user, removable) : null; // as long as the folders are within reach
  if (user !== null) becomeUser(user);
  setNoNewPrivileges();
  if (!sandbox) {
    shareNoNewPrivileges();
    return [];
  }
  const reach = files === null ? "none" : files.apply();
  // It allows receive buffers past the system's limit (SO_RCVBUFFORCE); the filter leaves it no other use.
  limitCapabilities(rawIcmp ? [CAP_NET_ADMIN, CAP_NET_RAW] : [CAP_NET_ADMIN]);
  filterSystemCalls({ pid: Deno.pid, signals, rawIcmp, removesFiles: removable !== null });
  return reach === "none"
    ? ["this kernel has no Landlock: files are not restricted, other than by their permissions"]
    : [];
}

/** Root that stays root looks at files as nobody from here on, unless it must remove one of its own in the end. */
function fileRules(user: Identity | null, removable: string | null): FileRules | null {
  const staysRoot = user === null && libc().geteuid() === 0;
  return FileRules.make(removable, staysRoot && !(removable === null && openFilesAsNobody()));
}
