/**
 * Descriptors that belong to another network namespace, without this process ever being there: a child that shares its
 * descriptors opens them (shared_child.ts). It can enter a user namespace, too.
 *
 * @module
 */
import type { NamespaceDescriptors } from "../device/open_tun.ts";
import { errno, libc } from "../libc/libc.ts";
import { EBADFD } from "../libc/errors.ts";
import { MachineBlock } from "../libc/memory.ts";
import { OwnedDescriptor } from "../libc/owned_descriptor.ts";
import { openNumbers } from "../process/descriptors.ts";
import { ownNetworkNamespace } from "./netns.ts";
import { linkTarget } from "../process/process.ts";
import { callInSharedChild, type SharedCall } from "./shared_child.ts";
import { O_CLOEXEC, O_NONBLOCK, O_RDWR } from "../libc/constants/file.ts";
import { SIOCGSKNS, TUNGETIFF } from "../libc/constants/ioctl.ts";
import { CLONE_NEWNET, CLONE_NEWUSER, PR_GET_DUMPABLE, PR_SET_DUMPABLE } from "../libc/constants/process.ts";
import {
  AF_INET,
  AF_NETLINK,
  SO_DOMAIN,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_RAW,
  SOL_SOCKET,
} from "../libc/constants/socket.ts";

/** `struct ifreq`. */
const IFREQ_SIZE = 40;

/**
 * Opens the descriptors in the namespace `netns`, by way of the user namespace `userns` (null: this process's own).
 * Both are descriptors.
 *
 * @returns null if that does not work here, for whatever reason; then nothing is open
 */
export function openAway(netns: number, userns: number | null): NamespaceDescriptors | null {
  const path = new MachineBlock(TUN_PATH.length);
  path.bytes.set(TUN_PATH);
  const calls: readonly SharedCall[] = [
    ...(userns === null ? [] : [{ name: "setns", args: [userns, CLONE_NEWUSER] } as const]),
    { name: "setns", args: [netns, CLONE_NEWNET] },
    { name: "open", args: [path, O_RDWR | O_NONBLOCK | O_CLOEXEC] },
    { name: "socket", args: [AF_INET, SOCK_DGRAM | SOCK_CLOEXEC] },
    { name: "socket", args: [AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC] },
  ];
  const before = openNumbers();
  if (!keepingDumpable(() => callInSharedChild(calls))) return null;
  const opened = [...openNumbers().difference(before)]; // nothing else of this process opens any while it starts
  const tun = opened.find(isTun), inet = opened.find((fd) => domainOf(fd) === AF_INET);
  const netlink = opened.find((fd) => domainOf(fd) === AF_NETLINK);
  if (tun !== undefined && inet !== undefined && netlink !== undefined && [tun, inet, netlink].every(isAway)) {
    return { tun, inet, netlink };
  }
  for (const fd of [tun, inet, netlink]) if (fd !== undefined) libc().close(fd);
  return null;
}

const TUN_PATH: Uint8Array = new TextEncoder().encode("/dev/net/tun\0");

/**
 * The memory that a process shares with one which changes its privileges is closed to debuggers, and its folder in /proc
 * to its user (prctl(2), PR_SET_DUMPABLE). Here it was opened before, and is again.
 */
function keepingDumpable<T>(run: () => T): T {
  const { prctl } = libc();
  const before = prctl(PR_GET_DUMPABLE, 0n, 0n, 0n, 0n);
  try {
    return run();
  } finally {
    if (before === 1) prctl(PR_SET_DUMPABLE, 1n, 0n, 0n, 0n);
  }
}

/**
 * Whether a descriptor belongs to another network namespace than this process: the child has entered that. False for
 * descriptors that belong to none.
 */
function isAway(fd: number): boolean {
  const opened = libc().ioctlValue(fd, SIOCGSKNS, 0n);
  if (opened < 0) return false;
  using namespace = new OwnedDescriptor(opened);
  return linkTarget(`/proc/self/fd/${namespace.fd}`) !== ownNetworkNamespace();
}

function isTun(fd: number): boolean {
  return libc().ioctl(fd, TUNGETIFF, new Uint8Array(new ArrayBuffer(IFREQ_SIZE))) < 0 && errno() === EBADFD;
}

function domainOf(socket: number): number {
  const value = new Int32Array(new ArrayBuffer(4)), length = new Int32Array(new ArrayBuffer(4));
  length[0] = 4;
  return libc().getsockopt(socket, SOL_SOCKET, SO_DOMAIN, value, length) < 0 ? -1 : value[0];
}
