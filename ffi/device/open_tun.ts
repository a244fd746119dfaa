/**
 * Opening a tun or tap device that someone else has made, and finding out what it is and what it can do.
 *
 * The device is found by its name in the calling thread's network namespace (see netns.ts). Attaching
 * (TUNSETIFF) would make a device that does not exist yet, so its existence is asked first. Which of the two it is,
 * and whether it was made with several queues, the kernel does not tell before the attachment; it answers EINVAL to
 * the wrong combination, so the combinations are tried, the likely one first.
 *
 * With IFF_VNET_HDR every frame is preceded by a `struct virtio_net_hdr`, which lets the guest's kernel hand over
 * segments of up to 64 KiB without checksums (as far as TUNSETOFFLOAD says that we take them), and take such from us
 * (always). Kernels differ in what they know: {@linkcode negotiateOffload} asks for less until something is accepted.
 *
 * The header's size, its byte order and the offloads are properties of the device, not of our descriptor: they outlive
 * us on a persistent device. So all of them are set here, even to their defaults: the device may have had another user before.
 *
 * @module
 */
import {
  check,
  EACCES,
  EBUSY,
  EINVAL,
  ENAMETOOLONG,
  ENODEV,
  ENOENT,
  ENXIO,
  EPERM,
  SystemError,
} from "../libc/errors.ts";
import { cString, errno, libc } from "../libc/libc.ts";
import { O_CLOEXEC, O_NONBLOCK, O_RDWR } from "../libc/constants/file.ts";
import {
  SIOCGIFFLAGS,
  SIOCGIFHWADDR,
  SIOCGIFMTU,
  TUNSETIFF,
  TUNSETOFFLOAD,
  TUNSETVNETHDRSZ,
  TUNSETVNETLE,
} from "../libc/constants/ioctl.ts";
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM } from "../libc/constants/socket.ts";

const DEVICE = "/dev/net/tun";

/** linux/if_arp.h; a tun device has ARPHRD_NONE. */
const ARPHRD_ETHER = 1;

// linux/if_tun.h
const IFF_TUN = 0x0001;
const IFF_TAP = 0x0002;
const IFF_MULTI_QUEUE = 0x0100;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
const TUN_F_CSUM = 0x01;
const TUN_F_TSO4 = 0x02;
const TUN_F_TSO6 = 0x04;
const TUN_F_TSO_ECN = 0x08;
/** UDP in trains, by IP version. */
export const TUN_F_USO4 = 0x20;
export const TUN_F_USO6 = 0x40;

/** What is asked for, best first: USO is known from Linux 6.2 on, the others from 2.6.27. */
const OFFLOADS: readonly number[] = [
  TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | TUN_F_USO4 | TUN_F_USO6,
  TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
  TUN_F_CSUM,
  0,
];

// struct ifreq of linux/if.h: the name, then a union; 40 bytes in all on 64-bit machines
const IFREQ_SIZE = 40;
const IFNAMSIZ = 16;
const IFREQ_UNION = 16;

/** The MTU that the kernel gives a new tap device: Ethernet's. */
const NEW_MTU = 1500;

/** linux/virtio_net.h: the size of `struct virtio_net_hdr`, without the fields of newer versions. */
export const VNET_HEADER_SIZE = 10;

/** An attached tun or tap device. */
export interface OpenTun {
  /** The descriptor; not blocking. */
  readonly fd: number;
  readonly name: string;
  /** What a frame starts with: Ethernet for a tap, IP for a tun. */
  readonly medium: "ethernet" | "ip";
  /** The largest IP packet in bytes. */
  readonly mtu: number;
  /** Whether each frame is preceded by a `virtio_net_hdr` of {@linkcode VNET_HEADER_SIZE} bytes. */
  readonly vnetHeader: boolean;
  /** What the guest's kernel may leave to us: the TUN_F_ flags that were accepted. */
  readonly offload: number;
}

/** Options of {@linkcode openTun}. */
export interface OpenTunOptions {
  /** The MTU to go by; 0 (the default): the device's own. */
  readonly mtu?: number;
  /** False: whole frames with complete checksums only, both ways. True by default. */
  readonly offload?: boolean;
  /** Makes a tap device where there is no interface of that name. It goes away when it is closed. False by default. */
  readonly create?: boolean;
}

/**
 * Attaches to the device `name` of the calling thread's network namespace.
 *
 * @throws SystemError when there is no such interface, it is no tun or tap device, is in use, or may not be used
 */
export function openTun(name: string, options: OpenTunOptions = {}): OpenTun {
  const found = inspect(name, options.create ?? false);
  const c = libc();
  const fd = c.open(cString(DEVICE), O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
  if (fd < 0) throw new SystemError("open", errno(), DEVICE, openAdvice(errno()));
  try {
    const attached = attach(fd, name, found.ethernet, options.offload ?? true);
    return {
      fd,
      name,
      medium: attached.flags & IFF_TAP ? "ethernet" : "ip",
      mtu: options.mtu || found.mtu,
      vnetHeader: attached.vnetHeader,
      offload: setOffload(fd, name, attached.vnetHeader),
    };
  } catch (error) {
    c.close(fd);
    throw error;
  }
}

/** Gives the device back: without offloads, so that a next user who does not ask for them gets whole frames. */
export function closeTun(tun: OpenTun): void {
  libc().ioctlValue(tun.fd, TUNSETOFFLOAD, 0n);
  libc().close(tun.fd);
}

/**
 * Asks for fewer and fewer offloads until something is accepted, and returns that: 0 at the end.
 *
 * @param accepts asks the kernel for a set of TUN_F_ flags, and says whether it took them
 */
export function negotiateOffload(accepts: (flags: number) => boolean): number {
  return OFFLOADS.find(accepts) ?? 0;
}

/** What is known of an interface before it is attached to: of one that is to be made, what it will be. */
function inspect(name: string, create: boolean): { mtu: number; ethernet: boolean } {
  if (name === "" || cString(name).length > IFNAMSIZ) {
    throw new SystemError("open", ENAMETOOLONG, JSON.stringify(name), "an interface's name has 1 to 15 bytes");
  }
  const c = libc();
  const socket = check(c.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket(AF_INET)", "");
  try {
    const request = ifreq(name, 0);
    if (c.ioctl(socket, SIOCGIFFLAGS, request) < 0) {
      if (create && errno() === ENODEV) return { mtu: NEW_MTU, ethernet: true };
      const advice = errno() === ENODEV
        ? `no such interface in this network namespace; make it with -configure, or: ip tuntap add ${name} mode tap`
        : "";
      throw new SystemError("ioctl(SIOCGIFFLAGS)", errno(), name, advice);
    }
    check(c.ioctl(socket, SIOCGIFMTU, request), "ioctl(SIOCGIFMTU)", name);
    const mtu = new DataView(request.buffer).getInt32(IFREQ_UNION, true);
    check(c.ioctl(socket, SIOCGIFHWADDR, request), "ioctl(SIOCGIFHWADDR)", name);
    const type = new DataView(request.buffer).getUint16(IFREQ_UNION, true); // sa_family of the address
    return { mtu, ethernet: type === ARPHRD_ETHER };
  } finally {
    c.close(socket);
  }
}

/** TUNSETIFF with the combination that this device was made with. */
function attach(fd: number, name: string, tap: boolean, offload: boolean): { flags: number; vnetHeader: boolean } {
  for (const vnetHeader of offload ? [true, false] : [false]) {
    for (const kind of tap ? [IFF_TAP, IFF_TUN] : [IFF_TUN, IFF_TAP]) {
      for (const queues of [0, IFF_MULTI_QUEUE]) {
        const flags = kind | queues | IFF_NO_PI | (vnetHeader ? IFF_VNET_HDR : 0);
        if (libc().ioctl(fd, TUNSETIFF, ifreq(name, flags)) === 0) return { flags, vnetHeader };
        const reason = errno();
        if (reason !== EINVAL) throw new SystemError("ioctl(TUNSETIFF)", reason, name, attachAdvice(reason));
      }
    }
  }
  throw new SystemError("ioctl(TUNSETIFF)", EINVAL, name, "this interface is neither a tun nor a tap device");
}

/** Settles the header's layout and the offloads; returns the latter. */
function setOffload(fd: number, name: string, vnetHeader: boolean): number {
  const c = libc();
  if (!vnetHeader) {
    c.ioctlValue(fd, TUNSETOFFLOAD, 0n); // an earlier user's may still be in force; a kernel without them refuses
    return 0;
  }
  const size = new Int32Array(new ArrayBuffer(4));
  size[0] = VNET_HEADER_SIZE;
  check(c.ioctl(fd, TUNSETVNETHDRSZ, size), "ioctl(TUNSETVNETHDRSZ)", name);
  // Without it the header is in the machine's order, which is the same on all machines that Deno runs on, unless an
  // earlier user has set it to the other. Kernels before 4.0 know neither call.
  const littleEndian = new Int32Array(new ArrayBuffer(4));
  littleEndian[0] = 1;
  c.ioctl(fd, TUNSETVNETLE, littleEndian);
  return negotiateOffload((flags) => c.ioctlValue(fd, TUNSETOFFLOAD, BigInt(flags)) === 0);
}

function ifreq(name: string, flags: number): Uint8Array<ArrayBuffer> {
  const request = new Uint8Array(new ArrayBuffer(IFREQ_SIZE));
  request.set(cString(name));
  request[IFREQ_UNION] = flags & 0xff;
  request[IFREQ_UNION + 1] = flags >> 8;
  return request;
}

function openAdvice(reason: number): string {
  if (reason === ENOENT) {
    return "there is no such file: as root, modprobe tun; in a container, give it that device, or as root in there, " +
      "mkdir -p /dev/net && mknod -m 666 /dev/net/tun c 10 200";
  }
  if (reason === ENODEV || reason === ENXIO) {
    return "this kernel has no tun driver: as root, modprobe tun";
  }
  if (reason === EACCES || reason === EPERM) {
    return "this user may not use that file, as systems commonly allow it: as root, chmod 666 /dev/net/tun; or run as root";
  }
  return "";
}

function attachAdvice(reason: number): string {
  if (reason === EBUSY) return "another program has it open already";
  if (reason === EPERM) {
    return "needs CAP_NET_ADMIN in the namespace, or a device made for this user: ip tuntap add ... user NAME";
  }
  return "";
}
