/**
 * Mounts of the mount namespace that the calling thread is in: mount(2), umount(2).
 *
 * @module
 */
import { check } from "../libc/errors.ts";
import { cString, libc } from "../libc/libc.ts";
import { OwnedDescriptor } from "../libc/owned_descriptor.ts";
import { readTextFileIfThere } from "../libc/text_file.ts";
import { MNT_DETACH, MS_NOSUID_NODEV, O_CLOEXEC, O_CREAT, O_EXCL, O_PATH, O_WRONLY } from "../libc/constants/file.ts";

/**
 * mount(2). Throws a SystemError.
 *
 * @param source a path for bind mounts; otherwise the name that the list of mounts shows
 * @param type the file system's type; null for bind mounts and changes of flags
 */
export function mount(
  source: string,
  target: string,
  type: string | null,
  flags: bigint,
  data: string | null = null,
): void {
  const words = [type, data].map((word) => word === null ? null : cString(word));
  check(libc().mount(cString(source), cString(target), words[0], flags, words[1]), "mount", target);
}

/** Mounts an empty tmpfs of at most 1 MiB. Throws a SystemError. */
export function mountTmpfs(target: string, flags = 0n): void {
  mount("tmpfs", target, "tmpfs", MS_NOSUID_NODEV | flags, "mode=755,size=1m");
}

/** Removes a mount from the tree at once; the kernel unmounts it after its last use. Does nothing if there is none. */
export function detach(target: string): void {
  libc().umount2(cString(target), MNT_DETACH);
}

/** Whether a path exists, following links. */
export function exists(path: string): boolean {
  const fd = libc().open(cString(path), O_PATH | O_CLOEXEC, 0);
  if (fd < 0) return false;
  libc().close(fd);
  return true;
}

/** Creates a file that everybody may read, whatever the umask. Throws a SystemError. */
export function writeNew(path: string, text: string): void {
  const c = libc();
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  using file = new OwnedDescriptor(check(c.open(cString(path), flags, 0o644), "open", path));
  const bytes = new TextEncoder().encode(text);
  check(c.writeBuffer(file.fd, bytes, BigInt(bytes.length)), "write", path);
  Deno.chmodSync(path, 0o644);
}

/** A line of /proc/self/mountinfo: proc_pid_mountinfo(5). */
export interface MountEntry {
  /** The mount point. */
  readonly path: string;
  /** Options of the mount, such as `ro`. */
  readonly options: readonly string[];
}

/** The mounts that this process can reach, in the order in which they were made; none without /proc. */
export function mountEntries(): MountEntry[] {
  return readTextFileIfThere("/proc/self/mountinfo").split("\n").filter((line) => line !== "").map((line) => {
    const fields = line.split(" ");
    const path = fields[4].replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(parseInt(code, 8)));
    return { path, options: fields[5].split(",") };
  });
}
