/**
 * Starts this program once more as a process in the background, and waits until it serves.
 *
 * A process with threads can't fork. So the program is executed again, with a session of its own, no terminal, and none of
 * the descriptors that this process has inherited: a reader of this process's output does not have to wait for it.
 *
 *     this process ── pipe: ready ─── a byte: it serves       → status 0
 *                  ── pipe: stderr ── closed before the byte  → what it said, and its status
 *
 * @module
 */
import { waitForEnd } from "./child.ts";
import { pipe } from "./fd_passing.ts";
import { ownCommand } from "./process.ts";
import { spawn } from "./spawn.ts";
import { F_DUPFD, F_GETFD, F_SETFD, FD_CLOEXEC, O_CLOEXEC, O_RDWR } from "../libc/constants/file.ts";
import { check } from "../libc/errors.ts";
import { cString, libc } from "../libc/libc.ts";
import { OwnedDescriptor } from "../libc/owned_descriptor.ts";
import { readTextFile } from "../libc/text_file.ts";

/** The status when the process in the background has ended without one that says so. */
const FAILURE = 1;

/** This process's status, and the text for its stderr: what the other process said if it has not come to serve. */
export interface Started {
  readonly status: number;
  readonly stderr: string;
}

/**
 * Starts the program with the words `word`, the number of the descriptor to tell by that it serves, and `args`. Blocks
 * until it has done so or has ended.
 *
 * @param own the number of this process's own arguments
 */
export function startInBackground(own: number, word: string, args: readonly string[]): Started {
  keepInherited();
  const c = libc();
  const [ready, tell] = pipe(), [said, say] = pipe();
  const inherited = check(c.fcntl(tell, F_DUPFD, 3), "fcntl(F_DUPFD)", `fd ${tell}`);
  const nothing = check(c.open(cString("/dev/null"), O_RDWR | O_CLOEXEC, 0), "open", "/dev/null");
  const command = [...ownCommand(own), word, String(inherited), ...args];
  const pid = spawn(command, { stdio: [nothing, nothing, say], ownSession: true });
  for (const fd of [tell, say, inherited, nothing]) c.close(fd);
  using readyEnd = new OwnedDescriptor(ready);
  using saidEnd = new OwnedDescriptor(said);
  if (read(readyEnd.fd).length > 0) return { status: 0, stderr: "" };
  const decoder = new TextDecoder();
  let stderr = "";
  for (let part = read(saidEnd.fd); part.length > 0; part = read(saidEnd.fd)) {
    stderr += decoder.decode(part, { stream: true });
  }
  return { status: waitForEnd(pid) || FAILURE, stderr };
}

function read(fd: number): Uint8Array {
  const buffer = new Uint8Array(new ArrayBuffer(4096));
  return buffer.subarray(0, Math.max(0, libc().readBuffer(fd, buffer, BigInt(buffer.length))));
}

/** Children do not get the descriptors that this process has inherited, except the first three. */
function keepInherited(): void {
  const c = libc();
  const count = Number(/^FDSize:\s*(\d+)$/m.exec(readTextFile("/proc/self/status"))?.[1]);
  for (let fd = 3; fd < count; fd++) if (c.fcntl(fd, F_GETFD, 0) === 0) c.fcntl(fd, F_SETFD, FD_CLOEXEC);
}
