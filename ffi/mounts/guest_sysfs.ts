/**
 * The guest's `/sys`: its own interfaces in `/sys/class/net`, instead of the host's.
 *
 * A sysfs shows the interfaces of the network namespace that it was mounted from. So a fresh one is mounted, and the
 * file systems below the host's (cgroups, debugfs, ...) are mounted on it again. It gets the flags of the host's sysfs,
 * which the kernel requires.
 *
 * The kernel refuses a fresh sysfs to users when parts of the host's are covered, as in containers (mount_too_revealing
 * in fs/namespace.c). Then the host's interfaces are covered: `/sys/class/net`, whose entries are links, and the
 * folders that the links lead to.
 *
 * @module
 */
import { check, SystemError } from "../libc/errors.ts";
import { cString, libc } from "../libc/libc.ts";
import { detach, exists, mount, mountEntries, type MountEntry, mountTmpfs } from "./mounts.ts";
import { MS_BIND, MS_NOEXEC, MS_NOSUID_NODEV, MS_RDONLY, MS_REC } from "../libc/constants/file.ts";

const SYS = "/sys";
const INTERFACES = "/sys/class/net";
/** A directory that exists wherever the runtime can start. It is covered only while the mount is prepared. */
const STAGE = "/proc";

/**
 * Shows the guest's interfaces. The calling thread must be in the guest's network and mount namespaces. Does nothing
 * when there is no sysfs. Throws a SystemError.
 */
export function showOwnInterfaces(): void {
  if (!exists(INTERFACES)) return;
  const entries = mountEntries();
  if (!mountFresh(entries)) coverInterfaces();
}

function mountFresh(entries: readonly MountEntry[]): boolean {
  const host = entries.findLast(({ path }) => path === SYS);
  const readOnly = host?.options.includes("ro") ? MS_RDONLY : 0n;
  mountTmpfs(STAGE);
  try {
    const fresh = `${STAGE}/sys`;
    check(libc().mkdir(cString(fresh), 0o755), "mkdir", fresh);
    mount("sysfs", fresh, "sysfs", MS_NOSUID_NODEV | MS_NOEXEC | readOnly);
    for (const path of outermostBelow(SYS, entries)) {
      mount(path, `${fresh}${path.slice(SYS.length)}`, null, MS_BIND | MS_REC);
    }
    mount(fresh, SYS, null, MS_BIND | MS_REC);
    return true;
  } catch (error) {
    if (error instanceof SystemError) return false;
    throw error;
  } finally {
    detach(STAGE);
  }
}

function coverInterfaces(): void {
  const folders = new Set([INTERFACES]);
  for (const { name } of Deno.readDirSync(INTERFACES)) {
    try {
      folders.add(Deno.realPathSync(`${INTERFACES}/${name}/..`));
    } catch {
      continue; // gone meanwhile
    }
  }
  for (const folder of folders) mountTmpfs(folder, MS_RDONLY);
}

/** The mount points below a folder, without those that are below another of them. */
export function outermostBelow(folder: string, entries: readonly MountEntry[]): string[] {
  const below = entries.map(({ path }) => `${path}/`).filter((path) => path.startsWith(`${folder}/`)).toSorted();
  const found: string[] = [];
  for (const path of below) if (path !== `${folder}/` && !path.startsWith(found.at(-1) ?? "\0")) found.push(path);
  return found.map((path) => path.slice(0, -1));
}
