/**
 * The files that list the sockets of the guest's network namespace: tcp, tcp6, udp and udp6 of its /proc/net. A process
 * that is in the namespace has them; once they are open, they show that namespace for good.
 *
 * The namespace of `/proc/PID/ns/net` is that of the process PID. For any other path, a `cat` enters the namespace by
 * nsenter(1), answers a byte to show that it is there, and ends when the files are open.
 *
 * @module
 */
import { check, SystemError } from "../libc/errors.ts";
import { cString, libc } from "../libc/libc.ts";
import { OwnedDescriptor } from "../libc/owned_descriptor.ts";
import { pipe } from "../process/fd_passing.ts";
import { spawn } from "../process/spawn.ts";
import { waitForEnd } from "../process/child.ts";
import { linkTarget } from "../process/process.ts";
import { O_CLOEXEC, O_RDONLY, O_RDWR } from "../libc/constants/file.ts";
import { NS_GET_USERNS } from "../libc/constants/ioctl.ts";

/** The size of one read, which holds some four hundred sockets. */
const READ_SIZE = 64 * 1024;

/** The state of a socket that listens, in its row. */
const LAST_ROW_LISTENS = /: [0-9A-F]+:[0-9A-F]{4} [0-9A-F]+:[0-9A-F]{4} 0A [^\n]*\n?$/;

/** Open lists of the sockets of a namespace. */
export class PortFiles implements Disposable {
  private constructor(private readonly files: Readonly<Record<string, number>>) {}

  /** Opens the files of the namespace at `netns`. Throws a SystemError. */
  static open(netns: string): PortFiles {
    const pid = /^\/proc\/([0-9]+)\/ns\/net$/.exec(netns)?.[1];
    return pid === undefined ? PortFiles.openWithin(netns) : PortFiles.of(Number(pid));
  }

  private static of(pid: number): PortFiles {
    const files: Record<string, number> = {};
    for (const name of ["tcp", "tcp6", "udp", "udp6"]) {
      const fd = libc().open(cString(`/proc/${pid}/net/${name}`), O_RDONLY | O_CLOEXEC, 0);
      if (fd >= 0) files[name] = fd; // a kernel without IPv6 has no tcp6
    }
    if (files.tcp === undefined) throw new SystemError("open", 2, `/proc/${pid}/net/tcp`);
    return new PortFiles(files);
  }

  private static openWithin(netns: string): PortFiles {
    const c = libc();
    using namespace = new OwnedDescriptor(check(c.open(cString(netns), O_RDONLY | O_CLOEXEC, 0), "open", netns));
    using owner = new OwnedDescriptor(c.ioctlValue(namespace.fd, NS_GET_USERNS, 0n));
    const net = `--net=/proc/${Deno.pid}/fd/${namespace.fd}`, user = `/proc/${Deno.pid}/fd/${owner.fd}`;
    const foreign = owner.fd >= 0 && linkTarget(user) !== linkTarget("/proc/self/ns/user");
    const ways = foreign
      ? [[net], [net, `--user=${user}`, "--preserve-credentials"], [net, `--user=${user}`]]
      : [[net]];
    for (const way of ways) {
      const files = within(way, (pid) => PortFiles.of(pid));
      if (files !== null) return files;
    }
    throw new SystemError("nsenter", 1, netns);
  }

  /** The text of a file; as for TCP, at least as far as its sockets listen. Empty: there is no such file. */
  read(network: "tcp" | "udp", version: 4 | 6): string {
    const c = libc(), fd = this.files[version === 4 ? network : `${network}6`];
    if (fd === undefined) return "";
    // opened once more, it is read from its beginning
    const again = c.open(cString(`/proc/self/fd/${fd}`), O_RDONLY | O_CLOEXEC, 0);
    if (again < 0) return "";
    using file = new OwnedDescriptor(again);
    const buffer = new Uint8Array(new ArrayBuffer(READ_SIZE)), decoder = new TextDecoder();
    for (let text = "";;) {
      const length = c.readBuffer(file.fd, buffer, BigInt(READ_SIZE));
      if (length <= 0) return text;
      text += decoder.decode(buffer.subarray(0, length));
      if (network === "tcp" && /\n.*\n/.test(text) && !LAST_ROW_LISTENS.test(text)) return text;
    }
  }

  [Symbol.dispose](): void {
    for (const fd of Object.values(this.files)) libc().close(fd);
  }
}

/** Calls `run` with the id of a process in the namespaces that nsenter(1) enters with these options; null: it can't. */
function within<T>(options: readonly string[], run: (pid: number) => T): T | null {
  const c = libc();
  const [input, write] = pipe(), [read, output] = pipe();
  const nothing = check(c.open(cString("/dev/null"), O_RDWR | O_CLOEXEC, 0), "open", "/dev/null");
  let pid = 0;
  try {
    pid = spawn(["nsenter", ...options, "--", "cat"], { stdio: [input, output, nothing] });
  } finally {
    for (const fd of [input, output, nothing]) c.close(fd);
    if (pid === 0) { for (const fd of [write, read]) c.close(fd); }
  }
  try {
    const byte = new Uint8Array(new ArrayBuffer(1));
    c.writeBuffer(write, byte, 1n);
    return c.readBuffer(read, byte, 1n) === 1 ? run(pid) : null;
  } finally {
    for (const fd of [write, read]) c.close(fd);
    waitForEnd(pid);
  }
}
