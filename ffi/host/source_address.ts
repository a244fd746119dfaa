/**
 * Which of its addresses the system would send from: asked by connecting a datagram socket, which sends nothing, but has
 * the kernel choose a route and with it an address.
 *
 * @module
 */
import type { Endpoint, IpAddress } from "../../stack/base/address.ts";
import { libc } from "../libc/libc.ts";
import { type MakeAddress, putSockaddr, readAddress, SOCKADDR_IN6_SIZE } from "../libc/sockaddr.ts";
import { AF_INET, AF_INET6, SOCK_DGRAM, SOCK_NONBLOCK_CLOEXEC } from "../libc/constants/socket.ts";

/** See the module's text. */
export class SourceAddresses {
  private readonly name = new Uint8Array(new ArrayBuffer(SOCKADDR_IN6_SIZE));
  private readonly length = new Int32Array(new ArrayBuffer(4));

  /** @param make makes an address: `IpAddress.at` */
  constructor(private readonly make: MakeAddress) {}

  /** The address that datagrams to `remote` come from; null where the system has none to say. */
  towards({ address, port }: Endpoint): IpAddress | null {
    const { name, length } = this;
    const fd = libc().socket(address.version === 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK_CLOEXEC, 0);
    if (fd < 0) return null;
    try {
      if (libc().connect(fd, name, putSockaddr(name, address, port)) < 0) return null;
      length[0] = name.length;
      return libc().getsockname(fd, name, length) < 0 ? null : readAddress(name, 0, this.make);
    } finally {
      libc().close(fd);
    }
  }
}
