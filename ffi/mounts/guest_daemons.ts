/**
 * The host's daemons for names, kept from the guest. A C library may not ask name servers itself but these, by Unix
 * sockets, which know no network namespaces; and the guest's policy would not be asked. What is covered are the folders of
 * these sockets, since a socket is another when its daemon has started again; and then the libraries do ask name servers.
 *
 * @module
 */
import { exists, mountTmpfs, writeNew } from "./mounts.ts";
import { readTextFileIfThere } from "../libc/text_file.ts";

/** Those of systemd-resolved and of the name service cache daemon. */
const FOLDERS: readonly string[] = ["/run/systemd/resolve", "/run/nscd", "/var/run/nscd"];
/** Files of theirs that /etc/resolv.conf may be a link to. They stay as they were. */
const FILES: readonly string[] = ["resolv.conf", "stub-resolv.conf"];
/** By this a folder is known to be covered. */
const MARK = ".covered";

/** Covers those that are there, in this mount namespace. Throws a SystemError. */
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

/** The keeper's function for those that may be new. */
export const KEEP_DAEMONS = `
daemons() {
  for folder in ${FOLDERS.join(" ")}; do
    [ ! -d "$folder" ] || [ -e "$folder/${MARK}" ] ||
      { mount -t tmpfs -o nosuid,nodev,mode=755,size=1m tmpfs "$folder" && : >"$folder/${MARK}"; }
  done
}`;
