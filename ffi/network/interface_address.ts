/**
 * The addresses of the host's interfaces.
 *
 * @module
 */
import { IpAddress, type IpVersion } from "../../stack/base/address.ts";
import { SIOCGIFADDR } from "../libc/constants/ioctl.ts";
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM } from "../libc/constants/socket.ts";
import { check } from "../libc/errors.ts";
import { cString, libc } from "../libc/libc.ts";
import { readTextFileIfThere } from "../libc/text_file.ts";

// struct ifreq of linux/if.h: the name, then a union, here a struct sockaddr_in, with the address in its bytes 4 to 7
const IFREQ_SIZE = 40, IFNAMSIZ = 16, ADDRESS_AT = IFNAMSIZ + 4;

/** The scope of addresses that are valid beyond their link, in /proc/net/if_inet6 (IPV6_ADDR_... of net/ipv6.h). */
const GLOBAL_SCOPE = "00";

/** The first address of that version of an interface, as the calling thread's namespace has it; null: there is none. */
export function interfaceAddress(name: string, version: IpVersion): IpAddress | null {
  return version === 4 ? interfaceIpv4(name, SIOCGIFADDR) : address6(name);
}

/** An IPv4 address that belongs to an interface, by the request of ioctl(2) that reads it; null: there is none. */
export function interfaceIpv4(name: string, asked: bigint): IpAddress | null {
  const bytes = cString(name);
  if (bytes.length > IFNAMSIZ) return null;
  const request = new Uint8Array(new ArrayBuffer(IFREQ_SIZE));
  request.set(bytes);
  const c = libc();
  const socket = check(c.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket(AF_INET)", "");
  const found = c.ioctl(socket, asked, request) === 0;
  c.close(socket);
  return found ? IpAddress.at(request, ADDRESS_AT, 4) : null;
}

/** A link-local address is taken only if there is no other. */
function address6(name: string): IpAddress | null {
  const own = readTextFileIfThere("/proc/thread-self/net/if_inet6").split("\n").map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields.at(5) === name);
  const [address] = own.find(([, , , scope]) => scope === GLOBAL_SCOPE) ?? own.at(0) ?? [];
  if (address === undefined) return null;
  return IpAddress.of(Uint8Array.from(address.match(/../g) ?? [], (byte) => parseInt(byte, 16)));
}
