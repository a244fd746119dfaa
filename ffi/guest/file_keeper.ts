/**
 * The keeper: a shell in the guest's namespaces that repeats changes of the host's files in the guest. The program
 * watches the host's folders (host_file_watch.ts) and writes lines into a pipe: the name of an entry of /etc that may
 * have changed, or an empty line if any entry may have.
 *
 * The keeper is in the guest's pid namespace, since umount(8) needs the /proc of its own namespace. If the guest kills
 * it, the guest's files no longer follow the host's. It ends when the pipe closes.
 *
 * @module
 */
import { pipe } from "../process/fd_passing.ts";
import { KEEP_DAEMONS } from "../mounts/guest_daemons.ts";
import { KEEP_ENTRY } from "../mounts/guest_etc.ts";
import { libc } from "../libc/libc.ts";
import { spawn } from "../process/spawn.ts";

/** The shell functions for a guest whose /etc is the host's. */
const NO_ENTRIES = `
entry() { :; }
entries() { :; }`;

const LOOP = `
while IFS= read -r name; do
  if [ -n "$name" ]; then entry "$name"; else entries; daemons; fi
done`;

/** The helper's stdout, which is /dev/null. */
const NOWHERE = 1;

/**
 * Starts the keeper, and waits until it is in its folder. Throws a SystemError.
 *
 * @param changes the reading end of the pipe
 * @param etc the path at which the tmpfs that is the guest's /etc can be written; null: the guest's /etc is the host's
 * @returns the keeper's process id
 */
export function startKeeper(changes: number, etc: string | null): number {
  const functions = `${etc === null ? NO_ENTRIES : KEEP_ENTRY}${KEEP_DAEMONS}`;
  const script = `cd "$1" && echo && exec >/dev/null${functions}${LOOP}`;
  const [reads, writes] = pipe();
  try {
    const pid = spawn(["sh", "-c", script, "sh", etc ?? "/"], { stdio: [changes, writes, NOWHERE] });
    libc().close(writes);
    if (libc().readBuffer(reads, new Uint8Array(new ArrayBuffer(1)), 1n) !== 1) {
      throw new Error("the keeper of the guest's files has ended");
    }
    return pid;
  } finally {
    libc().close(reads);
  }
}
