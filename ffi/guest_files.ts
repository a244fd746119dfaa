/**
 * What the guest sees of the file system otherwise than the host: `/etc/resolv.conf`, and no way round it. By mounts in
 * a mount namespace that the calling thread is in alone; the host's files stay as they are.
 *
 * The new file lies in a tmpfs that is mounted nowhere but there. Bind mounts of single files need something to be
 * mounted on. Where there is no `/etc/resolv.conf`, or a link that leads nowhere, `/etc` becomes a tmpfs as well, in
 * which everything that was there is bind-mounted from the old one, and the new file is a plain file.
 *
 * A C library may not ask name servers itself but daemons of the host, by Unix sockets, which know no network
 * namespaces; and the guest's policy would not be asked. These sockets are covered, and the libraries then do ask.
 *
 * @module
 */
import { check } from "./errors.ts";
import { cString, libc } from "./libc.ts";

// linux/mount.h
const MS_NOSUID_NODEV = 2n | 4n;
const MS_BIND = 4096n;
const MS_REC = 16384n;
const MS_SLAVE = 1n << 19n;
const MNT_DETACH = 2;

// asm-generic/fcntl.h
const O_WRONLY_CREAT_EXCL_CLOEXEC = 0o1 | 0o100 | 0o200 | 0o2000000;
const O_PATH_CLOEXEC = 0o10000000 | 0o2000000;

const RESOLV_CONF = "/etc/resolv.conf";
/** A directory that is there wherever the runtime can start; covered only while the files are made. */
const STAGE = "/proc";
/** systemd-resolved's, and those of the name service cache daemon. */
const DAEMONS: readonly string[] = [
  "/run/systemd/resolve/io.systemd.Resolve",
  "/run/nscd/socket",
  "/var/run/nscd/socket",
];

/** Has mounts of this namespace, from now on, stay in it; those of the host still arrive here. Throws a SystemError. */
export function keepMountsHere(): void {
  mount("none", "/", null, MS_REC | MS_SLAVE);
}

/** Makes `text` the content of /etc/resolv.conf in this mount namespace. Throws a SystemError. */
export function replaceResolvConf(text: string): void {
  const c = libc();
  mount("tmpfs", STAGE, "tmpfs", MS_NOSUID_NODEV, "mode=755,size=1m");
  try {
    const file = `${STAGE}/resolv.conf`;
    write(file, text);
    if (exists(RESOLV_CONF)) mount(file, RESOLV_CONF, null, MS_BIND);
    else shadowEtc(file);
  } finally {
    c.umount2(cString(STAGE), MNT_DETACH);
  }
}

/** Keeps the host's resolvers from this mount namespace, whoever its name server is. Throws a SystemError. */
export function coverResolvers(): void {
  for (const daemon of DAEMONS) if (exists(daemon)) mount("/dev/null", daemon, null, MS_BIND);
}

/** See the module's text. */
function shadowEtc(file: string): void {
  const shadow = `${STAGE}/etc`;
  check(libc().mkdir(cString(shadow), 0o755), "mkdir", shadow);
  mount("tmpfs", shadow, "tmpfs", MS_NOSUID_NODEV, "mode=755,size=1m");
  for (const { name, isDirectory, isSymlink } of Deno.readDirSync("/etc")) {
    if (name === "resolv.conf") continue;
    const to = `${shadow}/${name}`;
    if (isSymlink) {
      Deno.symlinkSync(Deno.readLinkSync(`/etc/${name}`), to);
      continue;
    }
    if (isDirectory) check(libc().mkdir(cString(to), 0o755), "mkdir", to);
    else write(to, "");
    mount(`/etc/${name}`, to, null, MS_BIND | MS_REC);
  }
  const ours = `${shadow}/resolv.conf`;
  write(ours, "");
  mount(file, ours, null, MS_BIND);
  mount(shadow, "/etc", null, MS_BIND | MS_REC);
}

/** Whether a path leads to something, also through links. */
function exists(path: string): boolean {
  const fd = libc().open(cString(path), O_PATH_CLOEXEC, 0);
  if (fd < 0) return false;
  libc().close(fd);
  return true;
}

function write(path: string, text: string): void {
  const c = libc();
  const fd = check(c.open(cString(path), O_WRONLY_CREAT_EXCL_CLOEXEC, 0o644), "open", path);
  const bytes = new TextEncoder().encode(text);
  check(c.writeBuffer(fd, bytes, BigInt(bytes.length)), "write", path);
  c.close(fd);
}

function mount(source: string, target: string, type: string | null, flags: bigint, data: string | null = null): void {
  const words = [type, data].map((word) => word === null ? null : cString(word));
  check(libc().mount(cString(source), cString(target), words[0]!, flags, words[1]!), "mount", target);
}
