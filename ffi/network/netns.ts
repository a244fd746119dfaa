/**
 * Runs code in another network namespace for a moment.
 *
 * setns(2) moves the calling thread alone, and a device or socket that it opens there belongs to that namespace for
 * good. So JavaScript's thread enters the namespace, opens what it needs without giving up control, and comes back. The
 * runtime's other threads never notice, and sockets opened later are the host's.
 *
 * @module
 */
import { check, EACCES, EINVAL, ENOENT, EPERM, SystemError } from "../libc/errors.ts";
import { cString, errno, libc } from "../libc/libc.ts";
import { OwnedDescriptor } from "../libc/owned_descriptor.ts";
import { linkTarget } from "../process/process.ts";
import { O_CLOEXEC, O_RDONLY } from "../libc/constants/file.ts";
import { NS_GET_USERNS } from "../libc/constants/ioctl.ts";
import { CLONE_NEWNET } from "../libc/constants/process.ts";

/** The calling thread's own network namespace, as a file. */
const OWN = "/proc/thread-self/ns/net";

/**
 * The kernel's name for the calling thread's own network namespace, such as `net:[4026531840]`. Equal names mean the
 * same namespace, in all processes of one machine. Throws a SystemError if /proc is not mounted.
 */
export function ownNetworkNamespace(): string {
  return linkTarget(OWN);
}

/**
/**
 * Whether a thread of this process that enters another network namespace may come back. That needs CAP_SYS_ADMIN in the
 * user namespace that owns this one. The root of a user namespace has it only if the owner is its own user namespace or a
 * descendant. The kernel does not tell any other owner (ioctl_ns(2), EPERM). Throws a SystemError.
 */
export function mayComeBack(): boolean {
  const c = libc();
  const own = check(c.open(cString(OWN), O_RDONLY | O_CLOEXEC, 0), "open", OWN);
  const owner = c.ioctlValue(own, NS_GET_USERNS, 0n);
  const refused = owner < 0 && errno() === EPERM; // other errors: a kernel without this call
  if (owner >= 0) c.close(owner);
  c.close(own);
  return !refused;
}

/**
 * Calls `run` in the network namespace of the file `path` (`/proc/PID/ns/net`, `/run/netns/NAME`), and returns its
 * result. `run` must be synchronous.
 *
 * @throws SystemError if the file can't be opened, is not a network namespace, or must not be entered
 */
export function withNetworkNamespace<T>(path: string, run: () => T): T {
  using own = new OwnedDescriptor(check(libc().open(cString(OWN), O_RDONLY | O_CLOEXEC, 0), "open", OWN));
  enter(path);
  try {
    const result = run();
    if (result instanceof Promise) throw new TypeError("work in another namespace must be synchronous");
    return result;
  } finally {
    goBack(own.fd);
  }
}

/** Moves the calling thread to the network namespace of the file `path`. */
function enter(path: string): void {
  using namespace = openFile(path);
  if (libc().setns(namespace.fd, CLONE_NEWNET) < 0) throw new SystemError("setns", errno(), path, setnsAdvice(errno()));
}

/**
 * Opens the file of a network namespace that a process with this one's privileges may enter.
 *
 * @throws SystemError if the file can't be opened, or its namespace must not be entered; of setns(2) then, which is not
 * called
 */
export function openNetworkNamespace(path: string): OwnedDescriptor {
  const namespace = openFile(path);
  const owner = libc().ioctlValue(namespace.fd, NS_GET_USERNS, 0n);
  const reason = errno();
  if (owner >= 0) libc().close(owner);
  if (owner >= 0 || reason !== EPERM) return namespace;
  libc().close(namespace.fd);
  throw new SystemError("setns", EPERM, path, setnsAdvice(EPERM));
}

function openFile(path: string): OwnedDescriptor {
  const fd = libc().open(cString(path), O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) throw new SystemError("open", errno(), path, openAdvice(errno()));
  return new OwnedDescriptor(fd);
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

/** Returns to the program's own namespace. After a failure the program can't go on: sockets would be the guest's. */
function goBack(own: number): void {
  if (libc().setns(own, CLONE_NEWNET) === 0) return;
  const cause = new SystemError("setns", errno(), OWN);
  throw new Error("the way back to this program's own network namespace is lost; it must end", { cause });
}
