/**
 * Giving up what a process may do by who it is: its user, its groups, its capabilities, and that programs which it runs
 * could get more (no_new_privs).
 *
 * Credentials belong to threads. The C library changes user and groups in all threads of the process; with the user,
 * the kernel takes root's capabilities away, in each of them (capabilities(7), "Effect of user ID changes on
 * capabilities"). capset(2) and no_new_privs are about the calling thread alone: seccomp.ts carries the latter over to
 * the others.
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
 * Becomes that user, in all threads, with no way back. Throws a SystemError; what was done before it stays, so that the
 * process had better end.
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

/** setfsuid(2): an id that nobody can have, so that the call only tells. */
const NO_ID = 0xffff_ffff;
/** Linux's overflow id (`/proc/sys/kernel/overflowuid`), which nobody's files have: `nobody` in most systems. */
const NOBODY = 65_534;

/**
 * From now on the calling thread, and those that it starts, open files with nobody's rights, which are everybody's; root's
 * own for all else stay. All threads lose the supplementary groups, which would count as well. The system call that would
 * take it back is for the filter to refuse.
 *
 * @returns false: it can't be had here, as in a user namespace that lacks this id. What was given up until then stays so.
 */
export function openFilesAsNobody(): boolean {
  const c = libc();
  if (c.setgroups(0n, new Uint32Array(1)) !== 0) return false;
  c.setfsgid(NOBODY);
  c.setfsuid(NOBODY);
  return c.setfsgid(NO_ID) === NOBODY && c.setfsuid(NO_ID) === NOBODY;
}

/** Programs that the calling thread runs gain no privileges by set-user-id bits, from now on and for good. */
export function setNoNewPrivileges(): void {
  check(libc().prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n), "prctl(PR_SET_NO_NEW_PRIVS)", "");
}

/** Leaves the calling thread no capabilities but those in `keep` that it has. Throws a SystemError. */
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
