/**
 * The guest's `/etc`: the host's, with one exception. `resolv.conf` is the guest's own, and no change on the host
 * affects it.
 *
 * A bind mount on the file alone would not last. When the host renames another file into its place, as DHCP clients and
 * network managers do, the kernel removes the mount in all mount namespaces. A mount on a folder lasts as long as the
 * folder. So `/etc` becomes a small tmpfs:
 *
 *     /etc/resolv.conf     a plain file
 *     /etc/.host           the host's /etc, bind-mounted
 *     /etc/NAME            a folder of the host, bind-mounted: links in it may lead out of it by ".."
 *     /etc/NAME            a link of the host, copied, for the same reason
 *     /etc/NAME -> .host/NAME     any other file of the host: a replacement there is visible here too
 *
 * The tmpfs is read-only: a file made here would look like the host's and would be lost in the end. The host's files
 * can still be written in place, with the usual permissions.
 *
 * Names that appear or disappear on the host do the same here. The keeper (../guest/file_keeper.ts) makes these changes
 * through another mount of the tmpfs, which is writable.
 *
 * @module
 */
import { check } from "../libc/errors.ts";
import { cString, libc } from "../libc/libc.ts";
import { detach, mount, mountTmpfs, writeNew } from "./mounts.ts";
import { MS_BIND, MS_NOSUID_NODEV, MS_RDONLY, MS_REC, MS_REMOUNT } from "../libc/constants/file.ts";

/** A directory that exists wherever the runtime can start. It is covered only while the files are made. */
const STAGE = "/proc";
/** The host's /etc, as seen from the guest's. */
const HOST = ".host";
/** Names that belong to the guest. */
const OWN: readonly string[] = [HOST, "resolv.conf"];

/**
 * The keeper's shell functions, for one entry that may have changed and for all. The working directory is the tmpfs.
 * `-ef` compares two paths: whether both lead to the same file.
 */
export const KEEP_ENTRY = `
entry() {
  case $1 in . | .. | ${OWN.join(" | ")}) return ;; esac
  host=/etc/${HOST}/$1 here=/etc/$1 target=${HOST}/$1
  if [ -L "$host" ]; then target=$(readlink "$host")
  elif [ -d "$host" ]; then
    [ -d "$here" ] && [ ! -L "$here" ] && [ "$here" -ef "$host" ] && return
    remove "$1"
    mkdir "./$1" && mount -o rbind "$host" "$here"
    return
  elif [ ! -e "$host" ]; then
    remove "$1"
    return
  fi
  [ -L "$here" ] && [ "$(readlink "$here")" = "$target" ] && return
  [ -L "$here" ] || remove "$1"
  ln -sfn "$target" "./$1"
}
remove() {
  if [ -L "./$1" ]; then rm -f "./$1"
  elif [ -d "./$1" ]; then umount -l "/etc/$1"; rmdir "./$1"
  fi
}
entries() {
  for path in ./* ./.[!.]* /etc/${HOST}/* /etc/${HOST}/.[!.]*; do
    if [ -L "$path" ] || [ -e "$path" ]; then entry "\${path##*/}"; fi
  done
}`;

/**
 * Makes `text` the content of /etc/resolv.conf in this mount namespace. Throws a SystemError.
 *
 * @param use called with a path at which the tmpfs can be written; the path exists only during the call
 * @returns the result of `use`
 */
export function shadowEtc<T>(text: string, use: (path: string) => T): T {
  mountTmpfs(STAGE);
  try {
    const shadow = `${STAGE}/etc`;
    folder(shadow);
    mountTmpfs(shadow);
    folder(`${shadow}/${HOST}`);
    mount("/etc", `${shadow}/${HOST}`, null, MS_BIND | MS_REC);
    for (const entry of Deno.readDirSync("/etc")) if (!OWN.includes(entry.name)) copy(entry, shadow);
    writeNew(`${shadow}/resolv.conf`, text);
    mount(shadow, "/etc", null, MS_BIND | MS_REC);
    mount("none", "/etc", null, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID_NODEV);
    return use(shadow);
  } finally {
    detach(STAGE);
  }
}

function copy({ name, isDirectory, isSymlink }: Deno.DirEntry, shadow: string): void {
  const to = `${shadow}/${name}`;
  if (isSymlink) Deno.symlinkSync(Deno.readLinkSync(`/etc/${name}`), to);
  else if (isDirectory) {
    folder(to);
    mount(`/etc/${name}`, to, null, MS_BIND | MS_REC);
  } else Deno.symlinkSync(`${HOST}/${name}`, to);
}

function folder(path: string): void {
  check(libc().mkdir(cString(path), 0o755), "mkdir", path);
  Deno.chmodSync(path, 0o755); // whatever the umask
}
