/**
 * Restricts the files that the program may open, with Landlock (landlock(7), linux/landlock.h), to those that name
 * lookups read and those in which the kernel describes this process and its network.
 *
 * A ruleset restricts the calling thread and the threads that it starts later; since Linux 7.0 (ABI 8,
 * LANDLOCK_RESTRICT_SELF_TSYNC), all threads of the process. On older kernels the existing threads of the runtime keep
 * the rights of the process's user, of which the seccomp filter leaves reading. The thread that runs the program, and
 * the threads that look up names for it later, are restricted in any case.
 *
 * Open files stay open, in the mode in which they were opened.
 *
 * @module
 */
import { check, ENOSYS, EOPNOTSUPP, SystemError } from "../libc/errors.ts";
import { cString, errno, libc } from "../libc/libc.ts";
import { OwnedDescriptor } from "../libc/owned_descriptor.ts";
import { linkTarget } from "../process/process.ts";
import { numberOf } from "./syscalls.ts";
import { O_CLOEXEC, O_PATH } from "../libc/constants/file.ts";

// linux/landlock.h
const LANDLOCK_CREATE_RULESET_VERSION = 1;
const LANDLOCK_RULE_PATH_BENEATH = 1;
const LANDLOCK_RESTRICT_SELF_TSYNC = 1 << 3;
const LANDLOCK_ACCESS_FS_READ_FILE = 1 << 2;
const LANDLOCK_ACCESS_FS_READ_DIR = 1 << 3;
const LANDLOCK_ACCESS_FS_REMOVE_FILE = 1 << 5;
const LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET = 1;

/** The ABIs that introduced TSYNC and scopes. */
const ABI_TSYNC = 8, ABI_SCOPES = 6;

/** All access rights to files that each ABI knows: up to MAKE_SYM; then with REFER; TRUNCATE; IOCTL_DEV. */
const ALL_RIGHTS: readonly (readonly [abi: number, rights: number])[] = [
  [5, 0xffff],
  [3, 0x7fff],
  [2, 0x3fff],
  [1, 0x1fff],
];

/** This process in /proc: its figures, and its network's routes and addresses (`net` is a link to `self/net`). */
const OWN_PROC = "/proc/self";

/**
 * The folder of the system's configuration. A Landlock rule applies to the object that a name leads to when the rule is
 * made, and cannot exclude anything below a folder. So a rule for a file ends when another file is renamed into its
 * place, as DHCP clients do with resolv.conf and editors with hosts. A rule for the folder outlasts that, but includes
 * everything in the folder. Therefore the folder is allowed if the process may read only what everybody may read there.
 * If it may read the passwords of others, single files are allowed, and a file that is replaced is lost.
 *
 * One of the files may be a link out of the folder, as NetworkManager, dnsmasq and toolbox make resolv.conf, and may be
 * replaced there. So the target's folder is treated in the same way, even while the target does not exist.
 */
const CONFIGURATION = "/etc";
const CONFIGURATION_FILES: readonly string[] = [
  ...["resolv.conf", "hosts", "nsswitch.conf", "host.conf", "gai.conf", "services"],
  ...["ld.so.cache", "localtime"],
];

/**
 * Files, and folders with everything below them, that may always be read. Missing ones are skipped. None of them holds
 * secrets.
 */
const READABLE: readonly string[] = [
  "/run/systemd/resolve", // resolv.conf may be a link to here, and is replaced by rename
  "/run/resolvconf",
  "/run/connman",
  "/run/netconfig",
  "/run/NetworkManager/resolv.conf",
  "/mnt/wsl/resolv.conf",
  "/lib", // the first lookup loads the libraries that nsswitch.conf names, and their dependencies
  "/lib64",
  "/usr/lib",
  "/usr/lib64",
  "/usr/local/lib",
  "/nix/store",
  "/gnu/store",
  "/usr/share/zoneinfo",
  "/proc/meminfo", // garbage collectors and allocators read this and the following
  "/proc/stat",
  "/proc/cpuinfo",
  "/proc/sys/vm/overcommit_memory",
  "/sys/devices/system/cpu",
  "/sys/fs/cgroup",
  "/dev/null",
  "/dev/urandom",
];

/** The threads that Landlock restricts. */
export type LandlockReach =
  /** All threads. */
  | "process"
  /** The calling thread and those that it starts. */
  | "thread"
  /** None: the kernel has no Landlock. */
  | "none";

/** The rules for files. They are made while the process still has its privileges, and applied later. */
export class FileRules {
  private constructor(private readonly ruleset: number, private readonly abi: number) {}

  /**
   * @param removable folders in which files may be removed
   * @param seesAll whether the process's user may read files that others may not
   * @param readable folders of which all files may be read
   * @returns null where the kernel has no Landlock
   * @throws SystemError
   */
  static make(removable: readonly string[], seesAll: boolean, readable: readonly string[] = []): FileRules | null {
    const abi = landlockAbi();
    if (abi === 0) return null;
    const handled = ALL_RIGHTS.find(([since]) => abi >= since)![1];
    // struct landlock_ruleset_attr: handled_access_fs, _net (ABI 4), scoped (ABI 6)
    const attributes = new BigUint64Array(new ArrayBuffer(24));
    attributes[0] = BigInt(handled);
    if (abi >= ABI_SCOPES) attributes[2] = BigInt(LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET);
    const size = abi >= ABI_SCOPES ? 24n : 8n;
    const number = numberOf("landlock_create_ruleset");
    const fd = check(libc().syscallFirst(number, attributes, size, 0n), "landlock_create_ruleset", "");
    const rules = new FileRules(fd, abi);
    try {
      const files = CONFIGURATION_FILES.map((name) => `${CONFIGURATION}/${name}`);
      const configuration = seesAll ? files : [CONFIGURATION, ...files.flatMap(foldersOfTarget)];
      for (const path of [...configuration, ...READABLE, ...readable]) rules.allow(path, LANDLOCK_ACCESS_FS_READ_FILE);
      // It stays open, so that the kernel does not drop this entry of /proc and make another that no rule covers.
      rules.allow(OWN_PROC, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR, true);
      for (const folder of removable) rules.allow(folder, LANDLOCK_ACCESS_FS_REMOVE_FILE);
      return rules;
    } catch (error) {
      rules.close();
      throw error;
    }
  }

  /**
   * Restricts the process, as far as the kernel can, for good. The thread must have no_new_privs. Throws a SystemError.
   */
  apply(): LandlockReach {
    const all = this.abi >= ABI_TSYNC;
    const number = numberOf("landlock_restrict_self");
    const flags = BigInt(all ? LANDLOCK_RESTRICT_SELF_TSYNC : 0);
    check(libc().syscallThird(number, BigInt(this.ruleset), flags, null, 0n), "landlock_restrict_self", "");
    this.close();
    return all ? "process" : "thread";
  }

  private allow(path: string, rights: number, keep = false): void {
    const c = libc();
    const fd = c.open(cString(path), O_PATH | O_CLOEXEC, 0);
    if (fd < 0) return; // missing, or not readable for this user: there is nothing to allow
    try {
      // struct landlock_path_beneath_attr, packed: allowed_access (64 bits), parent_fd (32)
      const rule = new DataView(new ArrayBuffer(12));
      rule.setBigUint64(0, BigInt(rights), true);
      rule.setInt32(8, fd, true);
      const number = numberOf("landlock_add_rule");
      const description = new Uint8Array(rule.buffer);
      const result = c.syscallThird(number, BigInt(this.ruleset), BigInt(LANDLOCK_RULE_PATH_BENEATH), description, 0n);
      check(result, "landlock_add_rule", path);
    } finally {
      if (!keep) c.close(fd);
    }
  }

  private close(): void {
    libc().close(this.ruleset);
  }
}

/** The number of links that the kernel follows (MAXSYMLINKS in linux/namei.h). */
const MAX_LINKS = 40;

/**
 * The folder of a link's target, whether or not the target exists; none if the path is no link. If that is the root
 * folder, which has everything below it, the target alone.
 */
function foldersOfTarget(path: string): readonly string[] {
  let target = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    const next = linkTargetOf(target);
    if (next === null) break;
    // not normalized: `..` means the parent of the real folder, which only the kernel can resolve
    target = next.startsWith("/") ? next : `${folderOf(target)}/${next}`;
  }
  if (target === path) return [];
  const folder = folderOf(target);
  return [isRoot(folder) ? target : folder];
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

/** Null if the path is no link or does not exist. */
function linkTargetOf(path: string): string | null {
  try {
    return linkTarget(path);
  } catch (error) {
    if (error instanceof SystemError) return null;
    throw error;
  }
}

function isRoot(folder: string): boolean {
  const fd = libc().open(cString(folder), O_PATH | O_CLOEXEC, 0);
  if (fd < 0) return false;
  using _opened = new OwnedDescriptor(fd);
  return linkTarget(`/proc/self/fd/${fd}`) === "/";
}

/** The ABI version of the kernel's Landlock; 0 if it has none or it is turned off. */
function landlockAbi(): number {
  const number = numberOf("landlock_create_ruleset");
  const abi = libc().syscallFirst(number, null, 0n, BigInt(LANDLOCK_CREATE_RULESET_VERSION));
  if (abi > 0) return abi;
  const reason = errno();
  if (reason === ENOSYS || reason === EOPNOTSUPP) return 0;
  return check(abi, "landlock_create_ruleset", "");
}
