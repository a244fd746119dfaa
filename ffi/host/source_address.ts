/**
 * The address that the host would send from to a given destination. Connecting a datagram socket sends nothing, but
 * makes the kernel choose a route and, with it, a source address.
 *
 * @module
 */
import type { Endpoint, IpAddress } from "../../stack/base/address.ts";
import { SOCK_DGRAM, SOCK_NONBLOCK_CLOEXEC } from "../libc/constants/socket.ts";
import { libc } from "../libc/libc.ts";
import { readAddress, SOCKADDR_IN6_SIZE, sockaddrOf } from "../libc/sockaddr.ts";
import { familyOf } from "./context.ts";

/** The source address of datagrams to that endpoint; null: the host has no route there, or no free descriptor. */
export function sourceAddressTowards({ address, port }: Endpoint): IpAddress | null {
  const fd = libc().socket(familyOf(address.version), SOCK_DGRAM | SOCK_NONBLOCK_CLOEXEC, 0);
  if (fd < 0) return null;
  try {
    const remote = sockaddrOf(address, port);
    if (libc().connect(fd, remote, remote.length) < 0) return null;
    const local = new Uint8Array(new ArrayBuffer(SOCKADDR_IN6_SIZE));
    const length = new Int32Array(new ArrayBuffer(4)).fill(local.length);
    return libc().getsockname(fd, local, length) < 0 ? null : readAddress(local, 0);
  } finally {
    libc().close(fd);
  }
}
