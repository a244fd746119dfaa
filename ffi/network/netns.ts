/**
 * Being in another network namespace for a moment.
 *
 * setns(2) moves the calling thread alone, and what it opens there (a tun device, a socket) belongs to that namespace
 * for good. So JavaScript's thread goes there, opens what it needs without ever giving up control, and comes back;
 * the runtime's other threads never notice, and sockets made later are the host's.
 *
 * @module
 */
import { check, EACCES, EINVAL, ENOENT, EPERM, SystemError } from "../libc/errors.ts";
import { cString, errno, libc } from "../libc/libc.ts";
import { linkTarget } from "../process/process.ts";
import { O_CLOEXEC, O_RDONLY } from "../libc/constants/file.ts";
import { CLONE_NEWNET } from "../libc/constants/process.ts";

/** The file that stands for the calling thread's own network namespace. */
const OWN = "/proc/thread-self/ns/net";

/**
 * The kernel's name for the calling thread's own network namespace, such as `net:[4026531840]`: equal names mean the same
 * namespace, in all processes of one machine. Throws a SystemError where /proc is not mounted.
 */
export function ownNetworkNamespace(): string {
  return linkTarget(OWN);
}

/**
 * Calls `run` in the network namespace that the file `path` stands for (`/proc/PID/ns/net`, `/run/netns/NAME`) and
 * returns what it returns. `run` must finish its work before it returns: it must not be asynchronous.
 *
 * @throws SystemError where the file can't be opened, is not a network namespace, or must not be entered
 */
export function withNetworkNamespace<T>(path: string, run: () => T): T {
  const c = libc();
  const own = check(c.open(cString(OWN), O_RDONLY | O_CLOEXEC, 0), "open", OWN);
  try {
    enter(path);
    try {
      const result = run();
      if (result instanceof Promise) throw new TypeError("work in another namespace must be synchronous");
      return result;
    } finally {
      goBack(own);
    }
  } finally {
    c.close(own);
  }
}

function enter(path: string): void {
  const c = libc();
  const namespace = c.open(cString(path), O_RDONLY | O_CLOEXEC, 0);
  if (namespace < 0) throw new SystemError("open", errno(), path, openAdvice(errno()));
  const result = c.setns(namespace, CLONE_NEWNET);
  const reason = errno();
  c.close(namespace);
  if (result < 0) throw new SystemError("setns", reason, path, setnsAdvice(reason));
}

function openAdvice(reason: number): string {
  if (reason === ENOENT) return "there is no such namespace; give a path such as /proc/PID/ns/net or /run/netns/NAME";
  if (reason === EACCES || reason === EPERM) return "the process belongs to someone else; run this program as root";
  return "";
}

function setnsAdvice(reason: number): string {
  if (reason === EINVAL) return "not a network namespace; give a path such as /proc/PID/ns/net or /run/netns/NAME";
  if (reason === EPERM) {
    return "entering a network namespace needs CAP_SYS_ADMIN here and in the user namespace that owns it; " +
      "run this program as root, or inside that user namespace (nsenter --preserve-credentials -U -t PID)";
  }
  return "";
}

/** Nobody can go on from a failure here: every later socket would be made in the wrong namespace. */
function goBack(own: number): void {
  if (libc().setns(own, CLONE_NEWNET) === 0) return;
  const cause = new SystemError("setns", errno(), OWN);
  throw new Error("the way back to this program's own network namespace is lost; it must end", { cause });
}
