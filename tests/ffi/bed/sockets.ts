/**
 * The descriptors of this process that are sockets. The runtime opens and closes some of its own, so tests compare what
 * they have added themselves.
 *
 * @module
 */

/** All that are open, by descriptor; the value tells one socket from another with the same descriptor later. */
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

/** The descriptors of those that have come since `before`. */
export function newSockets(before: ReadonlyMap<number, string>): number[] {
  return [...sockets()].filter(([fd, link]) => before.get(fd) !== link).map(([fd]) => fd);
}

/** Whether programs that are started don't get it. */
export function isClosedOnExec(fd: number): boolean {
  const flags = /^flags:\s*(\d+)$/m.exec(Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`))![1];
  return (parseInt(flags, 8) & 0o2000000) !== 0;
}
