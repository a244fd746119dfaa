/**
 * Why a system does not let a user make a user namespace, and what an administrator can do about it.
 *
 * @module
 */

/** A setting that forbids it at a value, and what to say then. */
interface Setting {
  readonly path: string;
  readonly forbids: string;
  readonly advice: string;
}

const SETTINGS: readonly Setting[] = [
  {
    path: "/proc/sys/user/max_user_namespaces",
    forbids: "0",
    advice: "user.max_user_namespaces is 0; as root: sysctl -w user.max_user_namespaces=15000",
  },
  { // Debian's kernels
    path: "/proc/sys/kernel/unprivileged_userns_clone",
    forbids: "0",
    advice: "kernel.unprivileged_userns_clone is 0; as root: sysctl -w kernel.unprivileged_userns_clone=1",
  },
  { // Ubuntu's kernels: the namespace is made, but nothing is permitted in it
    path: "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    forbids: "1",
    advice: "kernel.apparmor_restrict_unprivileged_userns is 1; as root: " +
      "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give this program an AppArmor profile with `userns,`",
  },
];

const CHROOT =
  "this is a chroot, in which the kernel makes no user namespaces; run it as root, or outside of the chroot";
const OTHER =
  "the system forbids new namespaces here, as containers and chroots do; run it as root, or outside of these";

/**
 * What to append to the message of a namespace that could not be made: `: ` and the setting that forbids it with its
 * remedy, or what else it may be.
 *
 * @param read reads a file whole, or throws
 */
export function refusalAdvice(read: (path: string) => string): string {
  if (isPlainChroot(read)) return `: ${CHROOT}`;
  const found = SETTINGS.find(({ path, forbids }) => valueOf(path, read) === forbids);
  return `: ${found?.advice ?? OTHER}`;
}

/**
 * Whether the root of this process is no mount point: it is in a chroot, then. (One whose folder was mounted can't be
 * told from none.) proc_pid_mountinfo(5) has the mount points that can be reached from there.
 */
function isPlainChroot(read: (path: string) => string): boolean {
  const mounts = valueOf("/proc/self/mountinfo", read);
  return mounts !== null && mounts.split("\n").every((line) => line.split(" ")[4] !== "/");
}

function valueOf(path: string, read: (path: string) => string): string | null {
  try {
    return read(path).trim();
  } catch {
    return null; // this kernel has no such setting
  }
}
