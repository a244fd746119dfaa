/**
 * Questions about the route to a destination, in the calling thread's network namespace. Connecting a datagram socket
 * sends nothing, but makes the kernel choose a route, and with it a source address and a path MTU.
 *
 * @module
 */
import type { Endpoint, IpAddress } from "../../stack/base/address.ts";
import {
  IP_MTU,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MTU,
  SOCK_DGRAM,
  SOCK_NONBLOCK_CLOEXEC,
} from "../libc/constants/socket.ts";
import { libc } from "../libc/libc.ts";
import { OwnedDescriptor } from "../libc/owned_descriptor.ts";
import { familyOf, readAddress, SOCKADDR_IN6_SIZE, sockaddrOf } from "../libc/sockaddr.ts";

/** The source address of datagrams to that endpoint; null: there is no route, or no free descriptor. */
export function sourceAddressTowards(remote: Endpoint): IpAddress | null {
  return withConnected(remote, (fd) => {
    const local = new Uint8Array(new ArrayBuffer(SOCKADDR_IN6_SIZE));
    const length = new Int32Array(new ArrayBuffer(4)).fill(local.length);
    return libc().getsockname(fd, local, length) < 0 ? null : readAddress(local, 0);
  });
}

/**
 * The largest IP packet to that endpoint, in bytes, as far as the kernel knows: what a router on the path has reported, or
 * otherwise the MTU of the route's interface. 0: there is no route, or no free descriptor.
 */
export function pathMtuTowards(remote: Endpoint): number {
  const four = remote.address.version === 4;
  return withConnected(remote, (fd) => {
    const mtu = new Int32Array(new ArrayBuffer(4)), length = new Int32Array(new ArrayBuffer(4)).fill(4);
    const [level, option] = four ? [IPPROTO_IP, IP_MTU] : [IPPROTO_IPV6, IPV6_MTU];
    return libc().getsockopt(fd, level, option, mtu, length) < 0 ? null : mtu[0];
  }) ?? 0;
}

/** Calls `ask` with a datagram socket that is connected to `remote`; null if that is impossible. */
function withConnected<T>({ address, port }: Endpoint, ask: (fd: number) => T): T | null {
  const fd = libc().socket(familyOf(address.version), SOCK_DGRAM | SOCK_NONBLOCK_CLOEXEC, 0);
  if (fd < 0) return null;
  using _opened = new OwnedDescriptor(fd);
  const remote = sockaddrOf(address, port);
  return libc().connect(fd, remote, remote.length) < 0 ? null : ask(fd);
}
