/**
 * Opens an existing tun or tap device, makes one, or takes over an attached one, and detects its type and offloads.
 *
 * The device is found by its name in the calling thread's network namespace (../network/netns.ts). Attaching
 * (TUNSETIFF) would make a missing device, so its existence is checked first. The kernel does not tell, before the
 * attachment, whether it is a tun or a tap and whether it has several queues. It answers EINVAL to a wrong combination,
 * so the combinations are tried, the likely one first.
 *
 * With IFF_VNET_HDR every frame is preceded by a `struct virtio_net_hdr`. With it the guest's kernel can send segments
 * of up to 64 KiB without checksums (as far as TUNSETOFFLOAD permits), and always accepts such segments. Kernels know
 * different offloads: {@linkcode negotiateOffload} asks for fewer until the kernel accepts.
 *
 * The header's size, its byte order and the offloads are properties of the device, not of the descriptor. On a
 * persistent device they stay set after the program's end. So all of them are set here, even to their defaults: an
 * earlier user may have changed them.
 *
 * @module
 */
import {
  check,
  EACCES,
  EBADFD,
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
import { OwnedDescriptor } from "../libc/owned_descriptor.ts";
import { takeInherited } from "../process/inherited_fd.ts";
import { F_GETFL, F_SETFL, O_CLOEXEC, O_NONBLOCK, O_RDWR } from "../libc/constants/file.ts";
import {
  SIOCGIFFLAGS,
  SIOCGIFHWADDR,
  SIOCGIFMTU,
  TUNGETIFF,
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
/** Trains of UDP datagrams, by IP version. */
export const TUN_F_USO4 = 0x20;
export const TUN_F_USO6 = 0x40;

/** The offloads to ask for, best first: USO is known since Linux 6.2, the others since 2.6.27. */
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
  /** The descriptor, which is non-blocking. */
  readonly fd: number;
  readonly name: string;
  /** The first header of a frame: Ethernet for a tap, IP for a tun. */
  readonly medium: "ethernet" | "ip";
  /** The largest IP packet in bytes. */
  readonly mtu: number;
  /** Whether each frame is preceded by a `virtio_net_hdr` of {@linkcode VNET_HEADER_SIZE} bytes. */
  readonly vnetHeader: boolean;
  /** The offloads that the guest's kernel may use: the accepted TUN_F_ flags. */
  readonly offload: number;
}

/** Descriptors of a network namespace that the calling thread is not in (../network/away.ts). */
export interface NamespaceDescriptors {
  /** /dev/net/tun, attached to nothing. */
  readonly tun: number;
  /** A UDP socket, by which the kernel is asked for interfaces. */
  readonly inet: number;
  /** A socket of NETLINK_ROUTE. */
  readonly netlink: number;
}

/** Options of {@linkcode openTun}. */
export interface OpenTunOptions {
  /** The MTU that the stack uses; 0 (the default): the device's own. */
  readonly mtu?: number;
  /** False: only whole frames with complete checksums, both ways. True by default. */
  readonly offload?: boolean;
  /** Makes a tap device if there is no interface of that name. It disappears when it is closed. False by default. */
  readonly create?: boolean;
  /** Descriptors of the device's namespace, whose `tun` is the device's from then on. Not given: the thread's namespace. */
  readonly away?: NamespaceDescriptors | undefined;
}

/**
 * Attaches to the device `name` of the calling thread's network namespace.
 *
 * @throws SystemError if there is no such interface, or it is no tun or tap device, is in use, or is not permitted
 */
export function openTun(name: string, options: OpenTunOptions = {}): OpenTun {
  const { away } = options;
  const c = libc();
  const isThere = away === undefined ? inspect(name, options.create ?? false, away) : null; // before a device is opened
  const fd = away?.tun ?? c.open(cString(DEVICE), O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
  if (fd < 0) throw new SystemError("open", errno(), DEVICE, openAdvice(errno()));
  try {
    const found = isThere ?? inspect(name, options.create ?? false, away);
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

/** The default MTU of a device in a namespace in which the program can't ask for it: Ethernet's. */
const DEFAULT_MTU = 1500;

/**
 * Takes over an inherited descriptor that is attached to a tun or tap device in any namespace. Returns null if it is
 * another kind of descriptor. It becomes non-blocking, for all processes that have inherited it.
 *
 * @throws SystemError if it is attached to nothing, or in an unsupported way
 */
export function takeTun(
  fd: number,
  { mtu = 0, offload = true }: Pick<OpenTunOptions, "mtu" | "offload">,
): OpenTun | null {
  const c = libc();
  const request = ifreq("", 0);
  if (c.ioctl(fd, TUNGETIFF, request) < 0) {
    if (errno() !== EBADFD) return null;
    throw new SystemError("ioctl(TUNGETIFF)", EBADFD, `fd ${fd}`, "it is attached to no interface");
  }
  const flags = request[IFREQ_UNION] | request[IFREQ_UNION + 1] << 8;
  const vnetHeader = (flags & IFF_VNET_HDR) !== 0;
  const refuse = (advice: string) => new SystemError("ioctl(TUNGETIFF)", EINVAL, `fd ${fd}`, advice);
  if ((flags & IFF_NO_PI) === 0) throw refuse("frames have packet information before them; attach it with IFF_NO_PI");
  if (vnetHeader && !offload) throw refuse("attached with IFF_VNET_HDR, which -offload=false is without");
  takeInherited(fd);
  c.fcntl(fd, F_SETFL, c.fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
  const name = new TextDecoder().decode(request.subarray(0, request.indexOf(0)));
  return {
    fd,
    name,
    medium: flags & IFF_TAP ? "ethernet" : "ip",
    mtu: mtu || DEFAULT_MTU,
    vnetHeader,
    offload: setOffload(fd, name, vnetHeader),
  };
}

/** Closes the device, without offloads, so that a later user that does not ask for them gets whole frames. */
export function closeTun(tun: OpenTun): void {
  libc().ioctlValue(tun.fd, TUNSETOFFLOAD, 0n);
  libc().close(tun.fd);
}

/**
 * Asks for fewer and fewer offloads until the kernel accepts, and returns the accepted TUN_F_ flags; 0 if there are
 * none.
 *
 * @param accepts asks the kernel for a set of TUN_F_ flags, and returns whether it accepted them
 */
export function negotiateOffload(accepts: (flags: number) => boolean): number {
  return OFFLOADS.find(accepts) ?? 0;
}

/** The MTU and type of an interface before the attachment; for one that will be made, its future ones. */
function inspect(
  name: string,
  create: boolean,
  away: NamespaceDescriptors | undefined,
): { mtu: number; ethernet: boolean } {
  if (name === "" || cString(name).length > IFNAMSIZ) {
    throw new SystemError("open", ENAMETOOLONG, JSON.stringify(name), "an interface's name has 1 to 15 bytes");
  }
  if (away !== undefined) return askAbout(name, create, away.inet);
  const fd = check(libc().socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket(AF_INET)", "");
  using socket = new OwnedDescriptor(fd);
  return askAbout(name, create, socket.fd);
}

function askAbout(name: string, create: boolean, socket: number): { mtu: number; ethernet: boolean } {
  const c = libc();
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
}

/** TUNSETIFF, with the combination of flags that the device was made with. */
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

/** Sets the header's layout and the offloads. Returns the accepted offloads. */
function setOffload(fd: number, name: string, vnetHeader: boolean): number {
  const c = libc();
  if (!vnetHeader) {
    c.ioctlValue(fd, TUNSETOFFLOAD, 0n); // those of an earlier user may still be set; a kernel without them refuses
    return 0;
  }
  const size = new Int32Array(new ArrayBuffer(4));
  size[0] = VNET_HEADER_SIZE;
  check(c.ioctl(fd, TUNSETVNETHDRSZ, size), "ioctl(TUNSETVNETHDRSZ)", name);
  // Without this call the header has the machine's byte order, which is little-endian on all machines that Deno runs
  // on, unless an earlier user has set the other. Kernels before 4.0 know neither call.
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
