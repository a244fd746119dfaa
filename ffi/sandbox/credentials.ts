/**
 * Gives up credentials: the user, the groups, the capabilities, and the chance that a program run later gains
 * privileges (no_new_privs).
 *
 * Credentials belong to threads. The C library changes user and groups in all threads of the process, and with the
 * change of user the kernel removes root's capabilities in each of them (capabilities(7), "Effect of user ID changes on
 * capabilities"). capset(2) and no_new_privs affect the calling thread alone; seccomp.ts extends no_new_privs to the
 * other threads.
 *
 * @module
 */
import { check, EINVAL, EPERM, SystemError } from "../libc/errors.ts";
import { errno, libc } from "../libc/libc.ts";
import type { Identity } from "./users.ts";
import { PR_SET_NO_NEW_PRIVS } from "../libc/constants/process.ts";

/** linux/capability.h: _LINUX_CAPABILITY_VERSION_3, which has two words of each set. */
const CAPABILITY_VERSION = 0x2008_0522;

/**
 * Becomes that user, in all threads, for good. Throws a SystemError; the steps before the error stay done, so the
 * process should end.
 */
export function becomeUser({ uid, gid, groups }: Identity): void {
  const c = libc();
  const list = new Uint32Array(new ArrayBuffer(Math.max(groups.length, 1) * 4));
  list.set(groups);
  checkChange(c.setgroups(BigInt(groups.length), list), "setgroups", groups.join(","));
  checkChange(c.setresgid(gid, gid, gid), "setresgid", String(gid));
  checkChange(c.setresuid(uid, uid, uid), "setresuid", String(uid));
}

function checkChange(result: number, call: string, subject: string): void {
  if (result === 0) return;
  const reason = errno();
  const advice = reason === EPERM
    ? "only root can become another user"
    : reason === EINVAL
    ? "this user namespace has no such id"
    : "";
  throw new SystemError(call, reason, subject, advice);
}

/** setfsuid(2): an invalid id, with which the call changes nothing and returns the present one. */
const NO_ID = 0xffff_ffff;
/** Linux's overflow id (`/proc/sys/kernel/overflowuid`), which owns no files: `nobody` in most systems. */
const NOBODY = 65_534;

/**
 * From now on the calling thread, and the threads that it starts, open files with the rights of nobody, so only files
 * that everybody may open. Root's other rights stay. All threads lose the supplementary groups, which would count as
 * well. The seccomp filter must refuse the system call that would undo this.
 *
 * @returns false if it is not possible, as in a user namespace that lacks this id; the groups may be lost nevertheless
 */
export function openFilesAsNobody(): boolean {
  const c = libc();
  if (c.setgroups(0n, new Uint32Array(1)) !== 0) return false;
  c.setfsgid(NOBODY);
  c.setfsuid(NOBODY);
  return c.setfsgid(NO_ID) === NOBODY && c.setfsuid(NO_ID) === NOBODY;
}

/** Programs that the calling thread runs never again gain privileges by set-user-id bits. */
export function setNoNewPrivileges(): void {
  check(libc().prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n), "prctl(PR_SET_NO_NEW_PRIVS)", "");
}

/** Drops all capabilities of the calling thread except those in `keep`. Throws a SystemError. */
export function limitCapabilities(keep: readonly number[]): void {
  const c = libc();
  const header = new Uint32Array(new ArrayBuffer(8)); // struct __user_cap_header_struct: version, pid (0: this thread)
  header[0] = CAPABILITY_VERSION;
  // struct __user_cap_data_struct[2]: effective, permitted, inheritable; first the lower 32, then the upper
  const data = new Uint32Array(new ArrayBuffer(24));
  check(c.capget(header, data), "capget", "");
  const mask = new Uint32Array(2);
  for (const capability of keep) mask[capability >> 5] |= 1 << (capability & 31);
  for (const word of [0, 1]) {
    const permitted = data[3 * word + 1] & mask[word];
    data.set([permitted, permitted, 0], 3 * word);
  }
  check(c.capset(header, data), "capset", "");
}
