/**
 * Sets up interfaces, addresses and routes in the calling thread's network namespace, by rtnetlink(7) as `ip` does.
 *
 * A request is one message: `struct nlmsghdr`, a structure for the type of request, and attributes. All numbers are in
 * the machine's byte order (little-endian wherever this program runs); addresses are in network order. The kernel
 * answers with 0 or a negated errno.
 *
 * @module
 */
import { check, SystemError } from "../libc/errors.ts";
import { cString, errno, libc } from "../libc/libc.ts";
import type { NamespaceDescriptors } from "../device/open_tun.ts";
import { SIOCGIFINDEX } from "../libc/constants/ioctl.ts";
import { AF_INET, AF_INET6, AF_NETLINK, SOCK_CLOEXEC, SOCK_RAW } from "../libc/constants/socket.ts";

// sys/socket.h, linux/netlink.h
const NLM_F_REQUEST_ACK = 1 | 4;
const NLM_F_CREATE_REPLACE = 0x400 | 0x100;
const NLMSG_ERROR = 2;
const HEADER_SIZE = 16;
// linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h
const RTM_NEWLINK = 16;
const RTM_NEWADDR = 20;
const RTM_NEWROUTE = 24;
const IFLA_ADDRESS = 1;
const IFLA_MTU = 4;
const IFF_UP = 1;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
/** No duplicate address detection: the address is usable at once. */
const IFA_F_NODAD = 2;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RTN_UNICAST = 1;
/** The gateway is on the link, although no address of the interface says so. */
const RTNH_F_ONLINK = 4;

/** An address in network order, 4 or 16 bytes. */
export type AddressBytes = Uint8Array;

/** A netlink socket. All methods throw a SystemError that names the request. */
export class RouteNetlink implements Disposable {
  private readonly socket: number;
  private sequence = 0;

  /** @param away descriptors of the namespace to set up; not given: the calling thread's namespace */
  constructor(private readonly away?: NamespaceDescriptors) {
    this.socket = away?.netlink ??
      check(libc().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0), "socket(AF_NETLINK)", "");
  }

  /** Switches an interface on; sets its MTU first, unless that is null. */
  setUp(name: string, mtu: number | null): void {
    const body = new Writer().u8(0).u8(0).u16(0).u32(this.indexOf(name)).u32(IFF_UP).u32(IFF_UP);
    if (mtu !== null) body.attribute(IFLA_MTU, u32(mtu));
    this.request(RTM_NEWLINK, 0, body, mtu === null ? `${name} up` : `${name} mtu ${mtu} up`);
  }

  /** Gives an interface another hardware address. */
  setHardwareAddress(name: string, address: Uint8Array): void {
    const body = new Writer().u8(0).u8(0).u16(0).u32(this.indexOf(name)).u32(0).u32(0)
      .attribute(IFLA_ADDRESS, address);
    this.request(RTM_NEWLINK, 0, body, `the hardware address of ${name}`);
  }

  /**
   * Gives an interface an address, or does nothing if it has it already. The broadcast address of an IPv4 network is its
   * last address, unless the network has only one or two (RFC 3021).
   */
  addAddress(name: string, address: AddressBytes, prefixLength: number): void {
    const body = new Writer().u8(familyOf(address)).u8(prefixLength).u8(address.length === 16 ? IFA_F_NODAD : 0)
      .u8(RT_SCOPE_UNIVERSE).u32(this.indexOf(name))
      .attribute(IFA_LOCAL, address).attribute(IFA_ADDRESS, address);
    if (address.length === 4 && prefixLength < 31) body.attribute(IFA_BROADCAST, broadcast4(address, prefixLength));
    this.request(RTM_NEWADDR, NLM_F_CREATE_REPLACE, body, `an IPv${address.length === 4 ? 4 : 6} address of ${name}`);
  }

  /**
   * Makes the interface the default route of an IP version.
   *
   * @param gateway null for a device without neighbours
   * @param outside whether the gateway is in no network of the interface's addresses
   */
  setDefaultRoute(name: string, version: 4 | 6, gateway: AddressBytes | null, outside = false): void {
    const body = new Writer().u8(version === 4 ? AF_INET : AF_INET6).u8(0).u8(0).u8(0)
      .u8(RT_TABLE_MAIN).u8(RTPROT_BOOT).u8(gateway === null && version === 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE)
      .u8(RTN_UNICAST).u32(gateway !== null && outside ? RTNH_F_ONLINK : 0);
    body.attribute(RTA_OIF, u32(this.indexOf(name)));
    if (gateway !== null) body.attribute(RTA_GATEWAY, gateway);
    this.request(RTM_NEWROUTE, NLM_F_CREATE_REPLACE, body, `the default IPv${version} route through ${name}`);
  }

  /** Closes the socket. */
  [Symbol.dispose](): void {
    if (this.away === undefined) libc().close(this.socket);
  }

  private indexOf(name: string): number {
    if (this.away !== undefined) return indexBy(this.away.inet, name);
    const index = libc().if_nametoindex(cString(name));
    if (index === 0) throw new SystemError("if_nametoindex", errno(), name);
    return index;
  }

  private request(type: number, flags: number, body: Writer, what: string): void {
    const message = new Writer().u32(HEADER_SIZE + body.length).u16(type).u16(NLM_F_REQUEST_ACK | flags)
      .u32(++this.sequence).u32(0).bytes(body.done()).done();
    check(libc().writeBuffer(this.socket, message, BigInt(message.length)), "write(netlink)", what);
    const answer = new Uint8Array(new ArrayBuffer(8192));
    const length = check(libc().readBuffer(this.socket, answer, BigInt(answer.length)), "read(netlink)", what);
    const view = new DataView(answer.buffer);
    if (length < HEADER_SIZE + 4 || view.getUint16(4, true) !== NLMSG_ERROR) {
      throw new Error(`netlink gave no answer about ${what}`);
    }
    const error = -view.getInt32(HEADER_SIZE, true);
    if (error !== 0) throw new SystemError("rtnetlink", error, what);
  }
}

/** The last address of the network that an IPv4 address is in. */
function broadcast4(address: AddressBytes, prefixLength: number): AddressBytes {
  return address.map((byte, i) => byte | 0xff >> Math.min(8, Math.max(0, prefixLength - 8 * i)));
}

/** The index of an interface in the namespace of that socket. `struct ifreq` of linux/if.h: the name, then a union. */
function indexBy(socket: number, name: string): number {
  const request = new Uint8Array(new ArrayBuffer(40));
  request.set(cString(name));
  check(libc().ioctl(socket, SIOCGIFINDEX, request), "ioctl(SIOCGIFINDEX)", name);
  return new DataView(request.buffer).getInt32(16, true);
}

function familyOf(address: AddressBytes): number {
  return address.length === 4 ? AF_INET : AF_INET6;
}

function u32(value: number): Uint8Array {
  return new Writer().u32(value).done();
}

/** Appends numbers and attributes to a message. */
class Writer {
  private readonly content: number[] = [];

  get length(): number {
    return this.content.length;
  }

  u8(value: number): this {
    this.content.push(value & 0xff);
    return this;
  }

  u16(value: number): this {
    return this.u8(value).u8(value >> 8);
  }

  u32(value: number): this {
    return this.u16(value).u16(value >>> 16);
  }

  bytes(bytes: Uint8Array): this {
    this.content.push(...bytes);
    return this;
  }

  /** `struct rtattr`: length and type of 16 bits each, the value, and padding to a multiple of 4 bytes. */
  attribute(type: number, value: Uint8Array): this {
    this.u16(4 + value.length).u16(type).bytes(value);
    while (this.content.length % 4 !== 0) this.u8(0);
    return this;
  }

  done(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(new ArrayBuffer(this.content.length));
    bytes.set(this.content);
    return bytes;
  }
}
