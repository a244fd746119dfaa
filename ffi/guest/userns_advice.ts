/**
 * Explains why a system does not let a user make a user namespace, and what an administrator can do about it.
 *
 * @module
 */

/** A setting that forbids user namespaces at one value, and the advice for that case. */
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
  { // Ubuntu's kernels make the namespace, but permit nothing in it
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
 * The text to append to the error of a namespace that could not be made: `: `, then the setting that forbids it and its
 * remedy, or the other likely reason.
 *
 * @param read reads a file whole, or throws
 */
export function refusalAdvice(read: (path: string) => string): string {
  if (isPlainChroot(read)) return `: ${CHROOT}`;
  const found = SETTINGS.find(({ path, forbids }) => valueOf(path, read) === forbids);
  return `: ${found?.advice ?? OTHER}`;
}

/**
 * Whether the root of this process is no mount point, as in a chroot. (A chroot into a mount point can't be detected.)
 * proc_pid_mountinfo(5) lists the mount points that can be reached from the root.
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
