/**
 * Hides the host's name service daemons from the guest. A C library may ask such a daemon, over a Unix socket, instead
 * of name servers. Unix sockets ignore network namespaces, so the guest's policy would be bypassed. The folders of the
 * sockets are covered, not the sockets, because a restarted daemon makes a new socket. The library then asks name
 * servers.
 *
 * @module
 */
import { exists, mountTmpfs, writeNew } from "./mounts.ts";
import { readTextFileIfThere } from "../libc/text_file.ts";

/** The folders of systemd-resolved and of the name service cache daemon. */
const FOLDERS: readonly string[] = ["/run/systemd/resolve", "/run/nscd", "/var/run/nscd"];
/** Files in them that /etc/resolv.conf may be a link to. They keep their content. */
const FILES: readonly string[] = ["resolv.conf", "stub-resolv.conf"];
/** A file with this name marks a folder as covered. */
const MARK = ".covered";

/** Covers the folders that exist, in this mount namespace. Throws a SystemError. */
export function coverDaemons(): void {
  for (const folder of FOLDERS) {
    if (!exists(folder) || exists(`${folder}/${MARK}`)) continue; // /var/run is a link, as a rule
    const files = FILES.map((name) => [name, readTextFileIfThere(`${folder}/${name}`)] as const);
    mountTmpfs(folder);
    for (const [name, text] of [[MARK, ""], ...files] as const) {
      if (name === MARK || text !== "") writeNew(`${folder}/${name}`, text);
    }
  }
}

/** The keeper's shell function, which covers folders that appear later. */
export const KEEP_DAEMONS = `
daemons() {
  for folder in ${FOLDERS.join(" ")}; do
    [ ! -d "$folder" ] || [ -e "$folder/${MARK}" ] ||
      { mount -t tmpfs -o nosuid,nodev,mode=755,size=1m tmpfs "$folder" && : >"$folder/${MARK}"; }
  done
}`;
