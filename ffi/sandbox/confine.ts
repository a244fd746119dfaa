/**
 * Gives up the privileges that the program no longer needs once it serves: `-user` and `-sandbox`.
 *
 * | | by `-user` | by `-sandbox` |
 * | --- | --- | --- |
 * | user, groups | changed, in all threads | |
 * | capabilities | none, in all threads (if it was root) | at most three in the program's thread; in others the filter leaves few uses |
 * | no_new_privs | in all threads | in all threads |
 * | system calls | | a list, in all threads: seccomp_policy.ts |
 * | files of others | what that user may read | what everybody may read, in the program's thread and its new ones |
 * | files | | a list, in the program's thread and its new ones; in all from Linux 7.0 on: landlock.ts |
 *
 * It is called after everything that needs privileges is open (the device, listeners, the capture) and the children are
 * started, and before anything is read from the guest. Nothing can be undone, and the steps before an error stay done,
 * so the process must end on an error.
 *
 * @module
 */
import { libc } from "../libc/libc.ts";
import { becomeUser, limitCapabilities, openFilesAsNobody, setNoNewPrivileges } from "./credentials.ts";
import { FileRules } from "./landlock.ts";
import { filterSystemCalls, shareNoNewPrivileges } from "./seccomp.ts";
import type { Identity } from "./users.ts";
import { CAP_NET_ADMIN, CAP_NET_BIND_SERVICE, CAP_NET_RAW } from "../libc/constants/process.ts";

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
  /** Whether the program will listen on further ports; on low ones too, if it may now. */
  readonly listensLater: boolean;
  /** The folders in which files will be removed, those of Unix sockets. */
  readonly removable: readonly string[];
  /** Folders of which all files may be read, as far as their permissions go. */
  readonly readable?: readonly string[];
}

/**
 * Gives up privileges, synchronously.
 *
 * @returns the restrictions that this kernel cannot apply, a sentence each
 * @throws SystemError or Error if a step failed
 */
export function confine(
  { user, sandbox, signals, rawIcmp, listensLater, removable, readable = [] }: Confinement,
): readonly string[] {
  if (user === null && !sandbox) return [];
  const files = sandbox ? fileRules(user, removable, readable) : null; // while the folders can still be opened
  if (user !== null) becomeUser(user);
  setNoNewPrivileges();
  if (!sandbox) {
    shareNoNewPrivileges();
    return [];
  }
  const reach = files === null ? "none" : files.apply();
  // CAP_NET_ADMIN allows receive buffers above the system's limit (SO_RCVBUFFORCE); the filter leaves it no other use.
  const keep = [CAP_NET_ADMIN];
  if (rawIcmp) keep.push(CAP_NET_RAW);
  if (listensLater) keep.push(CAP_NET_BIND_SERVICE);
  limitCapabilities(keep);
  filterSystemCalls({ pid: Deno.pid, signals, rawIcmp, removesFiles: removable.length > 0 });
  return reach === "none"
    ? ["this kernel has no Landlock: files are not restricted, other than by their permissions"]
    : [];
}

/**
 * The rules for files. If root stays root, it opens files as nobody from now on, unless it must remove one at the end.
 */
function fileRules(
  user: Identity | null,
  removable: readonly string[],
  readable: readonly string[],
): FileRules | null {
  const staysRoot = user === null && libc().geteuid() === 0;
  return FileRules.make(removable, staysRoot && !(removable.length === 0 && openFilesAsNobody()), readable);
}
