/**
 * The descriptors of this process that are sockets. The runtime opens and closes sockets of its own, so tests compare
 * the sockets that they have added.
 *
 * @module
 */

/** All open sockets, by descriptor. The value differs for a later socket with the same descriptor. */
export function sockets(): Map<number, string> {
  const found = new Map<number, string>();
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      const link = Deno.readLinkSync(`/proc/self/fd/${name}`);
      if (link.startsWith("socket:")) found.set(Number(name), link);
    } catch { /* closed meanwhile, as that of the listing is */ }
  }
  return found;
}

/** The descriptors of sockets opened since `before`. */
export function newSockets(before: ReadonlyMap<number, string>): number[] {
  return [...sockets()].filter(([fd, link]) => before.get(fd) !== link).map(([fd]) => fd);
}

/** Whether children do not inherit the descriptor. */
export function isClosedOnExec(fd: number): boolean {
  const flags = /^flags:\s*(\d+)$/m.exec(Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`))![1];
  return (parseInt(flags, 8) & 0o2000000) !== 0;
}
