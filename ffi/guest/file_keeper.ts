/**
 * The keeper: a shell in the guest's namespaces that repeats there the changes of the host's files. The program watches the
 * host's folders (host_file_watch.ts) and writes lines into a pipe: the name of an entry of /etc that may have changed, or an
 * empty line where anything may have.
 *
 * It is in the guest's pid namespace, since umount(8) needs the /proc of its own. If the guest kills it, names stay as they
 * are from then on. It ends when the pipe closes.
 *
 * @module
 */
import { pipe } from "../process/fd_passing.ts";
import { KEEP_DAEMONS } from "../mounts/guest_daemons.ts";
import { KEEP_ENTRY } from "../mounts/guest_etc.ts";
import { libc } from "../libc/libc.ts";
import { spawn } from "../process/spawn.ts";

/** For a guest whose /etc is the host's. */
const NO_ENTRIES = `
entry() { :; }
entries() { :; }`;

const LOOP = `
while IFS= read -r name; do
  if [ -n "$name" ]; then entry "$name"; else entries; daemons; fi
done`;

/** The helper's stdout: it leads nowhere. */
const NOWHERE = 1;

/**
 * Starts it, and waits until it is in its folder. Throws a SystemError.
 *
 * @param changes the end of the pipe for reading
 * @param etc the tmpfs that is the guest's /etc, where it can be written; null: that is the host's
 * @returns its process id
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
