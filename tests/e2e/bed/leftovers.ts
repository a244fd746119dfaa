/**
 * Things that a user's programs may leave on a machine after they have ended: processes, namespaces, files. Each is
 * found by its owner, so that other activity of the machine is not mistaken for it.
 *
 * @module
 */
import { run } from "../../../scripts/lab/process.ts";
import { cString, libc } from "../../../ffi/libc/libc.ts";

libc(); // it stays open

/** asm-generic/fcntl.h */
const O_RDONLY_CLOEXEC = 0o2000000;
// linux/nsfs.h
const NS_GET_USERNS = 0xb701n;
const NS_GET_OWNER_UID = 0xb704n;

/** The folders for temporary files. */
const TEMPORARY: readonly string[] = ["/tmp", "/var/tmp", "/dev/shm", "/run"];

/** A user's process ids, by their command lines, without zombies. */
export function processesOf(user: number): Map<number, string> {
  const found = new Map<number, string>();
  for (const pid of processIds()) {
    const status = ifThere(() => Deno.readTextFileSync(`/proc/${pid}/status`)) ?? "";
    if (!new RegExp(`^Uid:\\t${user}\\t`, "m").test(status) || /^State:\t[ZX]/m.test(status)) continue;
    const line = ifThere(() => Deno.readTextFileSync(`/proc/${pid}/cmdline`)) ?? "";
    found.set(pid, line.replaceAll("\0", " ").trim());
  }
  return found;
}

/** Namespaces, as `net:[4026531840]`, that any process is in or has open, with a path to each. */
export function namespaces(): Map<string, string> {
  const found = new Map<string, string>();
  for (const pid of processIds()) {
    for (const folder of [`/proc/${pid}/ns`, `/proc/${pid}/fd`]) {
      for (const { name } of ifThere(() => [...Deno.readDirSync(folder)]) ?? []) {
        const leadsTo = ifThere(() => Deno.readLinkSync(`${folder}/${name}`)) ?? "";
        if (/^[a-z]+:\[\d+\]$/.test(leadsTo)) found.set(leadsTo, `${folder}/${name}`);
      }
    }
  }
  return found;
}

/** The {@linkcode namespaces} that a user has made, by the owner of their user namespace. */
export function namespacesOf(user: number): string[] {
  return [...namespaces()].filter(([, path]) => ownerOf(path) === user).map(([name, path]) => `${name}, ${path}`);
}

/** Mounts in the namespace that a process is in, by their ids. */
export function mountsOf(pid: number): Map<string, string> {
  const lines = Deno.readTextFileSync(`/proc/${pid}/mountinfo`).trimEnd().split("\n");
  return new Map(lines.map((line) => [line.split(" ", 1)[0], line]));
}

/** A user's files in the usual folders for temporary ones, and all files in `more`, as the process sees them. */
export async function filesOf(user: number, pid: number, more: string): Promise<string[]> {
  const root = `/proc/${pid}/root`;
  const folders = TEMPORARY.map((folder) => `${root}${folder}`);
  // the status is useless: others' files come and go meanwhile
  const found = [
    await run(["find", ...folders, "-xdev", "-uid", String(user)]),
    await run(["find", `${root}${more}`, "-mindepth", "1"]),
  ];
  return found.flatMap(({ stdout }) => stdout.split("\n")).filter((path) => path !== "");
}

/** The user id of a namespace's owner; null if it is gone, or not visible to this process. */
function ownerOf(path: string): number | null {
  const c = libc();
  const fd = c.open(cString(path), O_RDONLY_CLOEXEC, 0);
  if (fd < 0) return null;
  const uid = new Uint32Array(1);
  let owned = c.ioctl(fd, NS_GET_OWNER_UID, uid) === 0; // for a user namespace only
  const user = owned ? -1 : c.ioctlValue(fd, NS_GET_USERNS, 0n);
  if (user >= 0) {
    owned = c.ioctl(user, NS_GET_OWNER_UID, uid) === 0;
    c.close(user);
  }
  c.close(fd);
  return owned ? uid[0] : null;
}

function processIds(): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => pid > 0);
}

/** Reads something about a process; undefined when it has ended meanwhile. */
function ifThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
